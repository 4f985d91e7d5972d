"""Rows of a matrix as a separation takes them: centred, of one size on average, with a last column of ones."""

import numpy as np

BLOCK = 8192  # rows at a time, so that a block and its scores stay in the cache


class Rows:
    """float32 blocks of X (n, d), centred and scaled as a sample of it has it.

    Parameters
    ----------
    X : (n, d)
    sample, weight : (s,) places of the sample and the weights of its rows.
    """

    def __init__(self, X, sample, weight):
        self.X = X
        some = X[sample].astype(np.float64)
        self.center = np.average(some, axis=0, weights=weight)
        some -= self.center
        self.size = np.sqrt(np.average((some * some).sum(axis=1), weights=weight)) or 1.0

    def take(self, at):
        """(k, d + 1) float32 of the places `at`, indices or a slice."""
        X = self.X[at]
        Z = np.ones((X.shape[0], X.shape[1] + 1), np.float32)
        Z[:, :-1] = (X - self.center.astype(X.dtype)) * X.dtype.type(1 / self.size)
        return Z


def blocks(n):
    """Slices of at most BLOCK that cover range(n)."""
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def drawn(places, limit, random):
    """At most `limit` of the places (k,), sorted, and how many each stands for."""
    if len(places) <= limit:
        return places, 1.0
    edges = np.linspace(0, len(places), limit + 1)
    inside = edges[:-1] + random.uniform(size=limit) * np.diff(edges)  # one of each stretch of the list
    return places[np.minimum(inside.astype(np.int64), len(places) - 1)], len(places) / limit
