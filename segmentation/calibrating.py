"""Probabilities from the votes or margins of any scikit-learn classifier, trusted as far as hidden labels bear out."""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from segmentation import degrees
from segmentation.tables import fit_weights, folds

OF_ALL_ROWS = LabelPropagation, LabelSpreading, SelfTrainingClassifier
FAINT = 1e-3  # probability below which a vote says nothing more, as of one tree in a thousand


def learns_from_all_rows(estimator):
    """Whether it takes unlabeled rows too, marked -1."""
    return isinstance(getattr(estimator, "estimator", estimator), OF_ALL_ROWS) or isinstance(estimator, OF_ALL_ROWS)


class Calibrated(ClassifierMixin, BaseEstimator):
    """`estimator` with probabilities softmax(trust x votes), votes being margins or else logarithms of probabilities.

    One number, trust, is fitted on rows whose labels were hidden in turn; a few labels allow no more. It cures what
    these classifiers suffer from where labels are few: margins have no scale, trees are not sure enough, naive or
    self-taught classifiers too sure. A category that a fold did not see gets no vote from it.

    Parameters
    ----------
    estimator : scikit-learn classifier with decision_function or predict_proba.
    folds : of the labeled rows. Fitting takes one time more than there are folds.
    random_state : of the folds.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks", ICML.
    """

    def __init__(self, estimator, folds=5, random_state=0):
        self.estimator = estimator
        self.folds = folds
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """X (n, d), y (n,) of integers, -1 unlabeled where the estimator can take that; sample_weight (n,)."""
        y, weight = np.asarray(y), np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, float)
        labeled = np.flatnonzero(y != degrees.UNLABELED)
        self.classes_, column = np.unique(y[labeled], return_inverse=True)
        fold = folds(column, self.folds, check_random_state(self.random_state))
        left_out = np.zeros((len(labeled), len(self.classes_)))
        for k in np.unique(fold):
            left_out[fold == k] = self._left_out(X, y, weight, labeled[fold == k])
        known = np.eye(len(self.classes_))[column] * weight[labeled, None]
        (self.trust_,), _ = fit_weights(left_out[None], known, np.full(len(self.classes_), 1 / len(self.classes_)))
        self.fitted_ = fitted(self.estimator, X, y, weight)
        return self

    def predict_proba(self, X):
        """(n, d) -> (n, classes)."""
        check_is_fitted(self)
        return softmax(self.trust_ * votes(self.fitted_, X), axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _left_out(self, X, y, weight, rows):
        """Votes (rows, classes) for rows whose labels were hidden."""
        hidden = y.copy()
        hidden[rows] = degrees.UNLABELED
        found = np.zeros((len(rows), len(self.classes_)))
        seen = np.isin(self.classes_, hidden)
        if seen.sum() > 1:
            found[:, seen] = votes(fitted(self.estimator, X, hidden, weight), X[rows])
        return found


def fitted(estimator, X, y, weight):
    """A clone fitted to the labeled rows, or to all where it can; weighted where it can."""
    rows = slice(None) if learns_from_all_rows(estimator) else y != degrees.UNLABELED
    weights = {"sample_weight": weight[rows]} if has_fit_parameter(estimator, "sample_weight") else {}
    return clone(estimator).fit(X[rows], y[rows], **weights)


def votes(estimator, X):
    """(n, d) -> (n, classes), centred: a vote for all classes is none."""
    if hasattr(estimator, "decision_function") and not hasattr(estimator, "predict_proba"):
        found = estimator.decision_function(X)
        found = np.column_stack([-found, found]) if found.ndim == 1 else found
    else:
        probabilities = np.nan_to_num(estimator.predict_proba(X), nan=1.0)  # a row that no label reaches
        found = np.log(np.maximum(probabilities, FAINT))
    return found - found.mean(axis=1, keepdims=True)
