"""What every classifier here has in common: it takes targets, labels or matrices of them, and decides as they are."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, validate_data

from segmentation import degrees


class Semisupervised(ClassifierMixin, BaseEstimator):
    """A classifier with a parameter `exclusive` that learns from all rows, labeled or not."""

    def _told(self, X, y, sample_weight):
        """Checked: X (n, d), targets (n, C), weight (n, C); sets classes_."""
        targets, self.classes_ = degrees.to_targets(y, exclusive=self.exclusive)
        X = validate_data(self, X, dtype=(np.float32, np.float64))
        check_consistent_length(X, targets)
        return X, targets, degrees.checked_weight(sample_weight, targets, self.exclusive)

    def predict(self, X):
        """(n, d) -> (n,) labels; (n, C) of 0 and 1 where categories are not exclusive."""
        return degrees.decided(self.predict_proba(X), self.classes_, self.exclusive)
