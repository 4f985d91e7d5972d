"""Columns on one scale, fitted on all rows, labeled or not."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

LIMIT = 1e4  # standard deviations; what lies beyond could overflow float32 products into NaN


class Scaling(TransformerMixin, BaseEstimator):
    """Centre X (n, d) and scale it to a mean variance of one; the result is float32 and finite.

    Parameters
    ----------
    how : "columns" gives every column variance one; "common" divides all columns by one number and so keeps their
        proportions; "auto" takes "common" where the columns came centred, as prepared features do, whose leading
        directions vary most because they say most, and "columns" elsewhere, where units are accidental.
    """

    def __init__(self, how="auto"):
        self.how = how

    def fit(self, X, y=None):
        if self.how not in ("auto", "columns", "common"):
            raise ValueError(f'scaling is {self.how!r}; choose "auto", "columns" or "common".')
        X = validate_data(self, X, dtype=(np.float32, np.float64))
        mean, spread = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
        # Rounding leaves a constant column a spread of its own, which must not be blown up to one.
        spread[spread <= 10 * np.finfo(X.dtype).eps * np.abs(mean)] = 0.0
        typical = np.sqrt(np.mean(spread**2))
        centred = (np.abs(mean) <= 0.1 * typical).all()
        columns = self.how == "columns" or (self.how == "auto" and not centred)
        self.center_ = mean
        self.scale_ = np.where(spread > 0, spread if columns else typical, 1.0)
        return self

    def transform(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float32, np.float64), reset=False)
        return np.clip((X - self.center_) / self.scale_, -LIMIT, LIMIT).astype(np.float32)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def to_arrays(self):
        return {"center": self.center_, "scale": self.scale_}

    @classmethod
    def from_arrays(cls, arrays):
        scaling = cls()
        scaling.center_, scaling.scale_ = arrays["center"], arrays["scale"]
        scaling.n_features_in_ = len(scaling.center_)
        return scaling
