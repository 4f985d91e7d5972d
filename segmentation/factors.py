"""Factors of items: each feature, and each direction in which items differ most, cut into a few levels.

Cut by the ranks of all rows, so that no label is needed and no unit, outlier or monotone transformation matters.
"""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA

ROWS = 10_000  # at most so many rows, evenly spaced, decide where to cut; more would move no cut by a hundredth
BLOCK = 10_000  # rows encoded at a time, so that memory does not grow with the number of rows


class Factors:
    """Rows x (n, d), scaled and finite, as levels (n, f) with f = d + directions.

    Attributes
    ----------
    cuts : (f, levels - 1) ascending: level k lies above k of them; features of few values have some at infinity.
    share : (f, levels) of all rows at each level.
    middle : (f, levels) rank of a level's middle, in [0, 1].
    is_direction : (f,) bool.
    """

    def __init__(self, cuts, share, center, directions):
        self.cuts, self.share, self.center, self.directions = cuts, share, center, directions

    @classmethod
    def of(cls, x, levels=32, directions=16):
        x = x[:: -(-len(x) // ROWS)]
        found = cls(None, None, x.mean(axis=0), principal(x, directions))
        found.cuts = widest_gaps(np.sort(found.values(x).T, axis=1), levels - 1)
        codes = found.levels(x)
        found.share = np.array([np.bincount(column, minlength=levels) for column in codes.T]) / len(codes)
        return found

    def values(self, x):
        """(n, d) -> (n, f): the features and the places along the directions."""
        return np.hstack([x, (x - self.center) @ self.directions])

    def levels(self, x):
        """(n, d) -> (n, f) of 0 .. levels - 1."""
        found = np.empty((len(x), len(self.cuts)), np.uint8 if self.cuts.shape[1] < 256 else np.int32)
        for column, (cuts, values) in enumerate(zip(self.cuts, self.values(x).T, strict=True)):
            found[:, column] = np.searchsorted(cuts, values, side="right")
        return found

    @property
    def middle(self):
        return self.share.cumsum(axis=1) - self.share / 2

    @property
    def is_direction(self):
        return np.arange(len(self.cuts)) >= len(self.center)

    def to_arrays(self):
        return {"cuts": self.cuts, "share": self.share, "mean": self.center, "directions": self.directions}

    @classmethod
    def from_arrays(cls, arrays):
        return cls(arrays["cuts"], arrays["share"], arrays["mean"], arrays["directions"])


def principal(x, count):
    """(d, at most count) orthonormal: where rows vary most."""
    count = min(count, x.shape[1], len(x) - 1)
    if count < 1 or not np.ptp(x, axis=0).any():
        return np.zeros((x.shape[1], 0), x.dtype)
    return PCA(count, random_state=0).fit(x).components_.T


def widest_gaps(values, count):
    """Ascending values (f, n) -> cuts (f, count): the middle of the widest gap in each of `count` equal runs of ranks.

    Rounding moves no value over such a cut, and no value, however rare, shares its level with all of the others. Where
    a run holds one value only, its cut lies out of reach, at infinity.
    """
    f, n = values.shape
    run = max(1, -(-(n - 1) // count))
    left, right = (np.pad(side, ((0, 0), (0, run * count - n + 1))) for side in (values[:, :-1], values[:, 1:]))
    widest = (right - left).reshape(f, count, run).argmax(axis=2) + np.arange(count) * run
    left, right = np.take_along_axis(left, widest, axis=1), np.take_along_axis(right, widest, axis=1)
    apart = right - left > 1e-6 * np.maximum(np.abs(left), np.abs(right))
    return np.sort(np.where(apart, (left + right) / 2, np.inf), axis=1)


def blocks(x):
    return [x[start : start + BLOCK] for start in range(0, len(x), BLOCK)]


def one_hot(codes, levels):
    """(n, f) of levels -> sparse (n, f x levels) with f ones a row: a product with it looks tables up."""
    n, f = codes.shape
    columns = codes.astype(np.int32) + np.arange(f, dtype=np.int32) * levels
    return csr_matrix((np.ones(n * f, np.float32), columns.ravel(), np.arange(n + 1) * f), (n, f * levels))
