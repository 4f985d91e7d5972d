"""Sets whose every label is known, how few of them a benchmark shows, and how the answers are scored.

The protocol: draw labels, leave the other rows unlabeled, fit on all rows, score the unlabeled ones.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.metrics import f1_score

from segmentation.confidence import expected_calibration_error, item_confidence, log_loss

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "ssl"
BUNDLED = {"wine": load_wine, "breast_cancer": load_breast_cancer, "digits": load_digits}
KEPT = "mice", "spambase", "agnews", "pendigits", "letter"
DRAWS = 200  # of a perfectly calibrated classifier, whose expected calibration error is then known to about 1%


def sets(names=None):
    """{name: (X (n, d) prepared without labels, y (n,) from 0)}, by rising number of rows.

    Parameters
    ----------
    names : those wanted; default all. Sets that are not on this machine are left out, and said to be on stderr.
    """
    wanted = [*BUNDLED, *KEPT] if names is None else names
    found = {name: _read(name) for name in wanted if _is_here(name)}
    return {name: (_prepared(name, X), y) for name, (X, y) in sorted(found.items(), key=lambda it: len(it[1][1]))}


def _is_here(name):
    if name not in (*BUNDLED, *KEPT):
        raise ValueError(f"There is no set {name!r}; choose of {', '.join([*BUNDLED, *KEPT])}.")
    here = name in BUNDLED or (FOLDER / f"{name}.npz").exists()
    if not here:
        print(f"{name} is left out: there is no {name}.npz in shared/data/ssl beside the checkout", file=sys.stderr)
    return here


def _read(name):
    if name in BUNDLED:
        return BUNDLED[name](return_X_y=True)
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as kept:
        return kept["X"].astype(float), kept["y"].astype(int)


def _prepared(name, X):
    """Texts keep the proportions of their columns; other columns have no common unit and get a variance of one."""
    if name == "agnews":
        return (X - X.mean(axis=0)) * np.sqrt(X.shape[1])
    X = np.log1p(10 * X) if name == "spambase" else X
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def draw(y, k, seed):
    """y (n,) with -1 but for k labels of each class, drawn class by class without replacement.

    A class with fewer than k rows shows them all.
    """
    random = np.random.default_rng(1000 * seed + k)
    shown = np.full(len(y), -1)
    for category in np.unique(y):
        rows = np.flatnonzero(y == category)
        shown[random.choice(rows, min(k, len(rows)), replace=False)] = category
    return shown


def draw_by_share(y, k, seed):
    """y (n,) with -1 but for k x classes labels drawn from all rows, so that classes are labeled as often as they are.

    The first row of each class in the random order is shown in any case, so that there is at least one.
    """
    order = np.random.default_rng(1000 * seed + k).permutation(len(y))
    classes, first = np.unique(y[order], return_index=True)
    rows = np.concatenate([order[first], np.delete(order, first)])[: k * len(classes)]
    shown = np.full(len(y), -1)
    shown[rows] = y[rows]
    return shown


def scores(p, truth):
    """Figures of probabilities p (m, C) on rows whose class truth (m,) is a column of them.

    Returns
    -------
    accuracy, macro_f1; log_loss, with probabilities clipped at 1e-6; ece, with 15 equal bins of the top probability;
    ece_perfect, the mean of what a perfectly calibrated classifier of the same confidences gets on as many rows: the
    part of ece that is chance.
    """
    predicted, confidence = p.argmax(axis=1), item_confidence(p, exclusive=True)
    return {
        "accuracy": float((predicted == truth).mean()),
        "macro_f1": float(f1_score(truth, predicted, average="macro", zero_division=0)),
        "log_loss": log_loss(p, truth, exclusive=True),
        "ece": expected_calibration_error(confidence, predicted == truth),
        "ece_perfect": perfect_calibration_error(confidence),
    }


def perfect_calibration_error(confidence, draws=DRAWS):
    """Mean expected calibration error where each row is right with exactly its confidence (m,)."""
    random = np.random.default_rng(0)
    right = (random.random(len(confidence)) < confidence for _ in range(draws))
    return float(np.mean([expected_calibration_error(confidence, it) for it in right]))
