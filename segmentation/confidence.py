"""Probabilities -> confidence: how sure the classifier is of its estimate, and whether it is right to be.

Low means ask. Everything takes probabilities (n, C) and is one pass over them, for a million items as for ten.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, softmax

CLIP = 1e-6  # of probabilities under a logarithm


def cell_confidence(probabilities):
    """(n, C) -> (n, C): max(p, 1 - p)."""
    p = np.asarray(probabilities)
    confidence = np.subtract(1, p)
    return np.maximum(p, confidence, out=confidence)


def item_confidence(probabilities, exclusive, open_cells=None):
    """(n, C) -> (n,): the top probability if exclusive, else the lowest cell.

    `open_cells` (n, C) bool: only these count for the lowest, the others being agreed; an item without any has 1.
    """
    p = np.asarray(probabilities)
    if exclusive:
        return p.max(axis=1)
    nearest = np.full(len(p), 0.5, p.dtype)  # distance from 0.5, column by column: no second (n, C) array
    for column in range(p.shape[1]):
        distance = np.abs(p[:, column] - 0.5)
        if open_cells is not None:
            distance[~np.asarray(open_cells)[:, column]] = 0.5
        np.minimum(nearest, distance, out=nearest)
    return nearest + 0.5


def category_confidence(probabilities, agreed=None):
    """(n, C) -> (C,): mean cell confidence of each category over what is not agreed, 1 where nothing is left.

    `agreed` is bool, (n,) by item or (n, C) by cell.
    """
    p = np.asarray(probabilities)
    left = _left(p, agreed)
    count = left.sum(axis=0)
    total = np.array([cell_confidence(p[left[:, at], at]).sum(dtype=np.float64) for at in range(p.shape[1])])
    return np.where(count, total / np.maximum(count, 1), 1.0)


def mean_confidence(probabilities, exclusive, agreed=None):
    """Mean item confidence over the items not agreed, 1 where nothing is left to be unsure of.

    `agreed` is bool, (n,) by item or (n, C) by cell; by cell, an exclusive item is agreed with any of its cells and
    another with all of them.
    """
    p = np.asarray(probabilities)
    left = _left(p, agreed)
    doubtful = left.all(axis=1) if exclusive else left.any(axis=1)
    if not doubtful.any():
        return 1.0
    return float(item_confidence(p, exclusive, left)[doubtful].mean(dtype=np.float64))


def _left(p, agreed):
    if agreed is None:
        return np.broadcast_to(True, p.shape)
    agreed = np.asarray(agreed, bool)
    return np.broadcast_to(~(agreed[:, None] if agreed.ndim == 1 else agreed), p.shape)


def expected_calibration_error(confidence, correct, bins=15):
    """Mean gap between confidence and share correct in `bins` equal bins of confidence, weighted by their counts.

    `confidence` in [0, 1] and `correct` (bool or share) have one shape; NaN where there is nothing to judge.
    Naeini, Cooper, Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning", AAAI.
    """
    confidence, correct = np.ravel(confidence), np.ravel(correct)
    if not confidence.size:
        return float("nan")
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(at, confidence, bins) - np.bincount(at, correct, bins)
    return float(np.abs(gaps).sum() / confidence.size)


def log_losses(probabilities, truth, exclusive):
    """Loss of each item, (n,): minus the logarithm of its probability of the truth, NaN where that is unknown.

    `truth` is (n,) int with -1 unknown where exclusive, else (n, C) in [0, 1] with NaN unknown: the mean over an item's
    known cells. Probabilities are clipped at 1e-6. Raises ValueError where the shapes do not meet.
    """
    p, y = np.asarray(probabilities, np.float64), np.asarray(truth)
    if y.shape != (p.shape[:1] if exclusive else p.shape):
        raise ValueError(f"The truth has shape {y.shape}, which does not fit probabilities of shape {p.shape}.")
    p = np.clip(p, CLIP, 1 - CLIP)
    if exclusive:
        if y.size and y.max() >= p.shape[1]:
            raise ValueError(f"The truth names category {y.max()}, but there are {p.shape[1]} (counted from 0).")
        return np.where(y < 0, np.nan, -np.log(p[np.arange(len(p)), y]))
    cells = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    return row_means(cells, ~np.isnan(y.astype(np.float64)))


def row_means(A, known):
    """Mean of each row of A (n, C) over its known cells, NaN where there are none."""
    count = known.sum(axis=1)
    return np.where(count, np.where(known, A, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def log_loss(probabilities, truth, exclusive):
    """Mean of `log_losses` over the items whose truth is known, NaN if there are none."""
    losses = log_losses(probabilities, truth, exclusive)
    known = losses[~np.isnan(losses)]
    return float(known.mean()) if known.size else float("nan")


def tempered(probabilities, temperature, exclusive):
    """(n, C) -> (n, C): above 1 less sure, below 1 surer, the order kept; rows sum to one if exclusive."""
    p = np.clip(probabilities, CLIP, 1 - CLIP)
    if exclusive:
        return softmax(np.log(p, out=p) / temperature, axis=1)
    return expit(logit(p) / temperature)


def fit_temperature(probabilities, truth, exclusive):
    """The temperature at which held-out rows lose least; `truth` as in `log_losses`, 1.0 where none of it is known.

    Held-out, because a classifier is surest of the rows it was fitted to. A weak pull to 1 (as of one item) keeps the
    answer finite where a few rows all happen to be right.
    Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks", ICML.
    """
    known = ~np.isnan(log_losses(probabilities, truth, exclusive))
    p, y = np.asarray(probabilities)[known], np.asarray(truth)[known]
    if not len(p):
        return 1.0

    def loss(log_temperature):
        return log_losses(tempered(p, np.exp(log_temperature), exclusive), y, exclusive).sum() + log_temperature**2

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))
