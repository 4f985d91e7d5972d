"""The strongest directions of many columns, found without labels, and rows described by them."""

import numpy as np
from sklearn.utils.extmath import randomized_svd


class Axes:
    """The `width` strongest principal axes of A (n, d), along which rows of one length are described.

    Rows are centred, turned to the axes and cut to one length, so that an item of strong contrasts weighs no more than
    a faint one; their mean column variance is one.
    """

    def __init__(self, centre, axes, rows):
        self.centre, self.axes, self.rows = centre, axes, rows

    @classmethod
    def of(cls, A, width, random):
        centre = A.mean(axis=0)
        axes, _ = directions(A - centre, width, random)
        return cls(centre, axes, Rows.of((A - centre) @ axes))

    def __call__(self, A):
        return self.rows((A - self.centre) @ self.axes)

    def to_arrays(self):
        return {"axes": self.axes, "axes centre": self.centre, **self.rows.to_arrays()}

    @classmethod
    def from_arrays(cls, arrays):
        return cls(arrays["axes centre"], arrays["axes"], Rows.from_arrays(arrays))


class Rows:
    """Rows cut to one length, then centred and scaled by one number to a mean column variance of one."""

    def __init__(self, least, centre, scale):
        self.least, self.centre, self.scale = least, centre, scale

    @classmethod
    def of(cls, R):
        typical = np.sqrt(np.mean(np.sum(R.astype(np.float64) ** 2, axis=1)))
        # What is much shorter than the others says nothing but rounding, and stays short.
        least = float(0.01 * typical) if typical > 1e-6 else 1.0
        unit = of_one_length(R, least)
        return cls(least, unit.mean(axis=0), spread(unit))

    def __call__(self, R):
        return ((of_one_length(R, self.least) - self.centre) / self.scale).astype(np.float32)

    def to_arrays(self):
        return {"rows centre": self.centre, "rows scale": np.array([self.least, self.scale])}

    @classmethod
    def from_arrays(cls, arrays):
        least, scale = arrays["rows scale"].tolist()
        return cls(least, arrays["rows centre"], scale)


def of_one_length(R, least):
    return R / np.maximum(np.linalg.norm(R, axis=1, keepdims=True), least)


def directions(A, width, random):
    """The strongest right singular vectors of A (n, d), dense or sparse -> (d, k), and their singular values (k,)."""
    _, strengths, rows = randomized_svd(A, min(width, *A.shape), n_iter=4, random_state=random)
    return rows.T, strengths


def spread(A):
    """Root of the mean column variance, or 1 where all rows are alike up to rounding."""
    root = float(np.sqrt(A.var(axis=0, dtype=np.float64).mean()))
    return root if root > 1e-6 else 1.0


def spreads(A):
    """Standard deviation of each column, or 1 where it is only rounding."""
    deviation = A.std(axis=0)
    return np.where(deviation > 1e-12 * np.abs(A).max(axis=0), deviation, 1.0)
