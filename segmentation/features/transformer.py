"""What all features share: read each item, learn from a sample without labels, project all of them block by block."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from segmentation.features.reading import Reading, as_sequence, part

BLOCK = 1024  # items projected at a time, so that memory holds a block of them and the sample, never all


class Features(TransformerMixin, BaseEstimator):
    """A transformer of a sequence of items into X (n, width_) float32.

    A medium gives `_raw` (one item, read), `_learn` (from at most `sample` encodings) and `_project` (encodings -> X);
    where encoding is quicker for many at a time, `_encode` (raws -> encodings) too; what was learned becomes named
    arrays by `_learned` and is again by `_resume`. An encoding is a 1-D array that depends on one item and on `reader`,
    on nothing that was learned; so it can be kept in an `EncodingCache`.
    `progress(fraction, message)` is called while items are read, learned from and projected.
    """

    keyed = True  # whether encodings are worth keeping
    version = 1  # of the reading: raised whenever its code gives other encodings
    reads = ()  # names of the parameters that encodings depend on

    def _load(self, content):
        """What the content's hash and its encoding are made of."""
        return content

    def _encode(self, raws):
        return raws

    @property
    def reader(self):
        """Names what encodings depend on beside the item."""
        return f"{type(self).__name__} {self.version} {[getattr(self, name) for name in self.reads]}"

    def fit(self, items, y=None, progress=None, cache=None):
        self._fit(as_sequence(items), progress, cache)
        return self

    def transform(self, items, progress=None, cache=None):
        check_is_fitted(self)
        return self._transform(as_sequence(items), Reading(self, cache), progress, {})

    def fit_transform(self, items, y=None, progress=None, cache=None):
        items = as_sequence(items)
        reading, known = self._fit(items, part(progress, 0, 0.9 if len(items) <= self.sample else 0.5), cache)
        return self._transform(items, reading, part(progress, 0.9 if len(items) <= self.sample else 0.5, 1), known)

    def to_arrays(self):
        """What was learned, as named arrays without objects: np.savez(file, **features.to_arrays())."""
        check_is_fitted(self)
        return {"width": np.array(self.width_), **self._learned()}

    def resume(self, arrays):
        """These features, as if they had learned what those learned whose `to_arrays` these are; np.load(file) will do.

        Parameters are not among the arrays: give the same ones.
        """
        self._resume(arrays)
        self.width_ = int(arrays["width"])
        return self

    def _fit(self, items, progress, cache):
        """The reading and {position: encoding} of what was learned from, so that nothing is read a second time."""
        if not len(items):
            raise ValueError("There are no items to learn features from.")
        random = check_random_state(self.random_state)
        chosen = np.arange(len(items))
        if len(items) > self.sample:
            chosen = np.sort(random.choice(len(items), self.sample, replace=False))
        reading = Reading(self, cache)
        encodings = reading.read(items, chosen, part(progress, 0, 0.8))
        if progress:
            progress(0.8, f"learning features from {len(chosen):,} of {len(items):,} items")
        self._learn(encodings, random)
        self.width_ = self._project(encodings[:1]).shape[1]
        if progress:
            progress(1, f"learned {self.width_:,} features from {len(chosen):,} of {len(items):,} items")
        return reading, dict(zip(chosen.tolist(), encodings, strict=True))

    def _transform(self, items, reading, progress, known):
        X = np.empty((len(items), self.width_), np.float32)
        for start in range(0, len(items), BLOCK):
            block = range(start, min(start + BLOCK, len(items)))
            rest = [position for position in block if position not in known]
            read = dict(zip(rest, reading.read(items, rest, None), strict=True))
            X[start : block.stop] = self._project([read.get(at, known.get(at)) for at in block])
            if progress:
                progress(block.stop / len(items), f"features of {block.stop:,} of {len(items):,} items{reading.said}")
        return X
