"""What all features share: read each item, learn from a sample without labels, project the rest block by block."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted

from segmentation.content import BrokenContent

BLOCK = 1024  # items projected at a time, so that memory holds a block of them and never all


class Features(TransformerMixin, BaseEstimator):
    """A transformer of a sequence of items into X (n, width_) float32.

    A medium gives `_raw` (one item, read), `_learn` (from at most `sample` of them) and `_project`.
    `progress(fraction, message)` is called while items are read.
    """

    def fit(self, items, y=None, progress=None):
        self._fit(as_sequence(items), progress)
        return self

    def transform(self, items, progress=None):
        check_is_fitted(self)
        items = as_sequence(items)
        X = np.empty((len(items), self.width_), np.float32)
        for start in range(0, len(items), BLOCK):
            block = range(start, min(start + BLOCK, len(items)))
            X[block.start : block.stop] = self._project(self._read(items, block, len(items), progress))
        return X

    def fit_transform(self, items, y=None, progress=None):
        items = as_sequence(items)
        if len(items) <= self.sample:  # each file is opened once
            return self._project(self._fit(items, progress))
        self._fit(items, progress and (lambda done, message: progress(done / 2, message)))
        return self.transform(items, progress and (lambda done, message: progress((1 + done) / 2, message)))

    def _fit(self, items, progress):
        if not len(items):
            raise ValueError("There are no items to learn features from.")
        random = check_random_state(self.random_state)
        chosen = np.arange(len(items))
        if len(items) > self.sample:
            chosen = np.sort(random.choice(len(items), self.sample, replace=False))
        raws = self._read(items, chosen, len(chosen), progress)
        self._learn(raws, random)
        self.width_ = self._project(raws[:1]).shape[1]
        return raws

    def _read(self, items, positions, total, progress):
        before = positions.start if isinstance(positions, range) else 0
        raws = []
        for done, position in enumerate(positions, start=1):
            try:
                raws.append(self._raw(items[position]))
            except BrokenContent as broken:
                raise BrokenContent(broken.sentence, int(position)) from None
            if progress and (done % 64 == 0 or done == len(positions)):
                progress((before + done) / total, f"read {before + done:,} of {total:,} items")
        return raws


def as_sequence(items):
    if isinstance(items, (str, bytes, dict)):
        raise ValueError("A sequence of items is needed, not a single one: put it in a list.")
    return items if isinstance(items, Sequence) else list(items)


class Axes:
    """The `width` strongest principal axes of A (n, d), on one scale, so that their mean variance is one."""

    def __init__(self, A, width, random):
        self.centre = A.mean(axis=0)
        self.axes = directions(A - self.centre, width, random)
        self.scale = spread((A - self.centre) @ self.axes)

    def __call__(self, A):
        return ((A - self.centre) @ self.axes / self.scale).astype(np.float32)


def directions(A, width, random):
    """The strongest right singular vectors of A (n, d), dense or sparse -> (d, at most width)."""
    return randomized_svd(A, min(width, *A.shape), random_state=random)[2].T


def spread(A):
    """Root of the mean column variance, or 1 where all rows are alike up to rounding."""
    root = float(np.sqrt(A.var(axis=0, dtype=np.float64).mean()))
    return root if root > 1e-6 else 1.0


def spreads(A):
    """Standard deviation of each column, or 1 where it is only rounding."""
    deviation = A.std(axis=0)
    return np.where(deviation > 1e-12 * np.abs(A).max(axis=0), deviation, 1.0)
