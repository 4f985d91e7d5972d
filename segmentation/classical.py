"""Any scikit-learn classifier behind the interface of DeepSegmentation: the same targets, the same answers."""

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted, validate_data

from segmentation import artifacts, degrees
from segmentation.calibrating import Calibrated, fitted
from segmentation.estimating import Semisupervised
from segmentation.scaling import Scaling

TREES = 100


def logistic_regression(exclusive=True, random_state=None):
    """Logistic regression on scaled columns: quick, sturdy, and hard to beat while labels are very few."""
    return Classical(LogisticRegression(max_iter=1000, random_state=random_state), exclusive)


def random_forest(exclusive=True, random_state=None):
    """Random forest: minds no units, finds features that tell only together; wants more labels than a line does."""
    return Classical(Calibrated(RandomForestClassifier(TREES, random_state=random_state)), exclusive)


def extra_trees(exclusive=True, random_state=None):
    """Extremely randomised trees: as a random forest, smoother, and better while labels are few."""
    return Classical(Calibrated(ExtraTreesClassifier(TREES, random_state=random_state)), exclusive)


def gradient_boosting(exclusive=True, random_state=None):
    """Gradient boosting of trees: for thousands of labels; poor with a handful."""
    boosting = HistGradientBoostingClassifier(min_samples_leaf=5, random_state=random_state)
    return Classical(Calibrated(boosting), exclusive)


def support_vectors(exclusive=True, random_state=None):
    """Support vector machine with a Gaussian kernel: curved boundaries; time grows with the square of the labels."""
    return Classical(Calibrated(OneVsRestClassifier(SVC(C=10.0))), exclusive)


def label_spreading(exclusive=True, random_state=None):
    """Labels spread to nearest neighbours among all rows: best on manifolds, poor where neighbours mix, as in texts."""
    return Classical(Calibrated(LabelSpreading(kernel="knn", n_neighbors=10)), exclusive)


def self_training(exclusive=True, random_state=None):
    """Logistic regression that takes its own surest probabilities for labels, and so hardens its mistakes too."""
    teacher = SelfTrainingClassifier(LogisticRegression(max_iter=1000, random_state=random_state), threshold=0.9)
    return Classical(Calibrated(teacher), exclusive)


class Classical(Semisupervised):
    """Serve `estimator` with the targets that all our classifiers take.

    The estimator learns from labeled rows only, or from all if it is one of scikit-learn's semi-supervised ones. Each
    counts with its most probable category, weighted by how far that is ahead of the next if the estimator takes
    weights. Categories it never saw get their share of what was said, with one imagined row of each category added; so
    does every category where there is nothing to tell apart.

    Parameters
    ----------
    estimator : scikit-learn classifier with predict_proba.
    exclusive : one category an item; False: a clone of the estimator for each category.
    scaling : "auto", "columns", "common" (see `segmentation.scaling.Scaling`), fitted on all rows; None leaves X alone.

    Attributes
    ----------
    classes_ : (C,)
    transduction_ : (n, C) probabilities of the fitted rows.
    """

    def __init__(self, estimator, exclusive=True, scaling="auto"):
        self.estimator = estimator
        self.exclusive = exclusive
        self.scaling = scaling

    def fit(self, X, y, sample_weight=None):
        """X (n, d) finite; y and sample_weight as in `DeepSegmentation.fit`."""
        if not hasattr(self.estimator, "predict_proba"):
            raise TypeError(f"{self.estimator!r} has no predict_proba; wrap it in Calibrated.")
        X, targets, weight = self._told(X, y, sample_weight)
        self.scaling_ = None if self.scaling is None else Scaling(self.scaling).fit(X)
        x = self._scaled(X)
        self.parts_ = [Part.fit(self.estimator, x, *it) for it in degrees.problems(targets, weight, self.exclusive)]
        self.transduction_ = self._probabilities(x)
        return self

    def predict_proba(self, X):
        """(n, d) -> (n, C); rows sum to one where categories are exclusive."""
        check_is_fitted(self)
        return self._probabilities(self._scaled(validate_data(self, X, dtype=(np.float32, np.float64), reset=False)))

    def _scaled(self, X):
        return X if self.scaling_ is None else self.scaling_.transform(X)

    def _probabilities(self, x):
        return degrees.joined([part.probabilities(x) for part in self.parts_], self.exclusive)

    def to_arrays(self):
        """What prediction needs, as named arrays without objects; None unless the estimator is a LogisticRegression."""
        check_is_fitted(self)
        if type(self.estimator) is not LogisticRegression or self.scaling_ is None:
            return None
        return artifacts.packed(self, [part.to_arrays() for part in self.parts_])

    @classmethod
    def from_arrays(cls, arrays):
        """A logistic regression that predicts as the one whose `to_arrays` these are; np.load(file) will do."""
        fitted, parts = artifacts.unpacked(cls(LogisticRegression()), arrays)
        fitted.parts_ = [Part.from_arrays(part) for part in parts]
        return fitted


class Part:
    """The fitted estimator of one exclusive problem, None where there was nothing to tell apart.

    `share` (C,) of each category; `seen` the columns that the estimator knows, in its order.
    """

    def __init__(self, estimator, share, seen):
        self.estimator, self.share, self.seen = estimator, share, seen

    @classmethod
    def fit(cls, estimator, x, targets, weight):
        labels, certainty = degrees.to_labels(targets)
        weight = weight * certainty
        rows = (labels != degrees.UNLABELED) & (weight > 0)
        share, seen = degrees.shares(targets, weight), np.unique(labels[rows])
        if len(seen) < 2:
            return cls(None, share, seen)
        return cls(fitted(estimator, x, np.where(rows, labels, degrees.UNLABELED), weight), share, seen)

    def probabilities(self, x):
        found = np.tile(self.share, (len(x), 1))
        if self.estimator is not None:
            said = self.estimator.predict_proba(x)
            reached = np.isfinite(said).all(axis=1)  # labels spread to neighbours do not reach every row
            found[np.ix_(reached, self.seen)] = said[reached] * self.share[self.seen].sum()
        return found

    def to_arrays(self):
        linear = self.estimator
        coef, intercept = (np.zeros((0, 0)), np.zeros(0)) if linear is None else (linear.coef_, linear.intercept_)
        return {"share": self.share, "seen": self.seen, "coef": coef, "intercept": intercept}

    @classmethod
    def from_arrays(cls, arrays):
        linear = None
        if arrays["coef"].size:
            linear = LogisticRegression()
            linear.coef_, linear.intercept_, linear.classes_ = arrays["coef"], arrays["intercept"], arrays["seen"]
        return cls(linear, arrays["share"], arrays["seen"])
