"""Several classifiers as one: probabilities multiplied, each to the power of a weight that hidden labels earned it.

One of the combinations of automated classifiers that US 8,589,317 B2 allows; the pool is that of deep segmentation.
"""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from segmentation import degrees, pooling
from segmentation.bayesian import BayesianNetwork
from segmentation.classical import Classical, logistic_regression, support_vectors
from segmentation.estimating import Semisupervised


class Combination(Semisupervised):
    """A log-linear pool of classifiers that take our targets.

    Each is fitted to everything for its voice, and once for each fold of the labeled rows, hidden from it, for its
    weight. Weights are at least 0; few labels leave them near equal, more of them silence whoever is often wrong. The
    pool is about as accurate as the best of its voices, whichever that is, and often better where they err apart. It
    takes six times the time of all its voices, and cannot be right where all of them are wrong.

    Parameters
    ----------
    voices : [(name, classifier)], each with an `exclusive` parameter. Default: `quick_voices`.
    exclusive : one category an item, or not; set in each voice too.
    progress : called as progress(fraction in [0, 1], message) while it fits.
    random_state : of the default voices and of the folds.

    Attributes
    ----------
    classes_ : (C,)
    transduction_ : (n, C) probabilities of the fitted rows.
    voices_ : {name: fitted classifier}
    weights_ : (voices,), or (C, voices) where categories are not exclusive.

    References
    ----------
    See `segmentation.pooling.fit_weights`.
    """

    def __init__(self, voices=None, exclusive=True, progress=None, random_state=None):
        self.voices = voices
        self.exclusive = exclusive
        self.progress = progress
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """X (n, d) finite; y and sample_weight as in `DeepSegmentation.fit`."""
        X, targets, weight = self._told(X, y, sample_weight)
        random = check_random_state(self.random_state)
        voices = self._made(random)
        known = np.flatnonzero(says(targets, self.exclusive) & (weight > 0).any(axis=1))
        hidden = [known[fold] for fold in pooling.folds(np.nan_to_num(targets[known]), random)]
        self.voices_ = self._fitted(voices, X, targets, weight, 0, len(hidden) + 1)
        judged = np.concatenate([known[:0], *hidden])
        unseen = [self._unseen(voices, X, targets, weight, *it, len(hidden) + 1) for it in enumerate(hidden, 1)]
        unseen = np.concatenate([np.zeros((len(voices), 0, targets.shape[1])), *unseen], axis=1)
        self.weights_ = self._weighed(unseen, targets[judged], weight[judged])
        self.transduction_ = self._pooled([voice.transduction_ for voice in self.voices_.values()])
        return self

    def predict_proba(self, X):
        """(n, d) -> (n, C); rows sum to one where categories are exclusive."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float32, np.float64), reset=False)
        return self._pooled([voice.predict_proba(X) for voice in self.voices_.values()])

    def to_arrays(self):
        """None: voices may hold anything, so that only their probabilities can be kept."""
        check_is_fitted(self)

    def _made(self, random):
        voices = quick_voices(random.randint(2**31 - 1)) if self.voices is None else self.voices
        if not voices:
            raise ValueError("voices is empty; give at least one (name, classifier).")
        return {name: clone(voice).set_params(exclusive=self.exclusive) for name, voice in voices}

    def _fitted(self, voices, X, targets, weight, done, rounds):
        found = {}
        for at, (name, voice) in enumerate(voices.items()):
            if self.progress is not None:
                self.progress((done + at / len(voices)) / rounds, f"Learning: {name}")
            found[name] = clone(voice).fit(X, targets, sample_weight=weight[:, 0] if self.exclusive else weight)
        return found

    def _unseen(self, voices, X, targets, weight, done, hidden, rounds):
        """(voices, hidden rows, C) probabilities of rows whose targets were hidden."""
        rest, remaining = targets.copy(), weight.copy()
        rest[hidden] = 1.0 if self.exclusive else np.nan
        if not says(rest, self.exclusive).any():
            return np.full((len(voices), len(hidden), targets.shape[1]), 1 / targets.shape[1])
        remaining[hidden] = 1.0  # nothing is left to weigh
        fitted = self._fitted(voices, X, rest, remaining, done, rounds)
        return np.array([voice.transduction_[hidden] for voice in fitted.values()])

    def _weighed(self, unseen, targets, weight):
        """(voices,) or (C, voices)."""
        problems = degrees.problems(targets, weight, self.exclusive)
        found = [
            pooling.fit_weights(of_problem, *problem)
            for of_problem, problem in zip(apart(unseen, self.exclusive), problems, strict=True)
        ]
        return found[0] if self.exclusive else np.array(found)

    def _pooled(self, said):
        """Each voice's probabilities (n, C) -> (n, C)."""
        weights = np.atleast_2d(self.weights_)
        parts = zip(apart(np.array(said), self.exclusive), weights, strict=True)
        return degrees.joined([pooling.pooled(voices, weight) for voices, weight in parts], self.exclusive)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags


def quick_voices(seed):
    """[(name, classifier)] that are quick and err apart: lines, curves, trees, neighbours, tables of factors."""
    taught = SelfTrainingClassifier(LogisticRegression(max_iter=1000), threshold=0.9)
    return [
        ("logistic regression", logistic_regression()),
        ("self-training", Classical(taught)),
        ("support vectors", support_vectors()),
        ("extra trees", Classical(ExtraTreesClassifier(100, random_state=seed))),
        ("label spreading", Classical(LabelSpreading(kernel="knn", n_neighbors=10))),
        ("bayesian network", BayesianNetwork(random_state=seed)),
    ]


def says(targets, exclusive):
    """(n,) rows of which anything is known."""
    return degrees.speaks(targets) if exclusive else ~np.isnan(targets).all(axis=1)


def apart(probabilities, exclusive):
    """(voices, n, C) -> those of each exclusive problem: the whole, or "no" and "yes" of each category."""
    if exclusive:
        return [probabilities]
    return [np.stack([1 - yes, yes], axis=2) for yes in np.moveaxis(probabilities, 2, 0)]
