import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from segmentation.bayesian import BayesianNetwork
from segmentation.classical import Classical, logistic_regression
from segmentation.combining import Combination
from segmentation.confidence import log_loss

X, Y = load_wine(return_X_y=True)
EVERY_FIFTH = np.where(np.arange(len(Y)) % 5 == 0, Y, -1)
UNLABELED = EVERY_FIFTH < 0
LOST = Classical(DummyClassifier(strategy="stratified", random_state=0))
TOO_SURE = Classical(GaussianNB(var_smoothing=1e-12))


def combined(*voices, **settings):
    return Combination([(str(at), voice) for at, voice in enumerate(voices)], random_state=0, **settings)


def test_a_pool_is_as_good_as_its_best_voice_beside_one_that_knows_nothing():
    alone = logistic_regression().fit(X, EVERY_FIFTH).transduction_[UNLABELED]
    pool = combined(LOST, logistic_regression()).fit(X, EVERY_FIFTH)
    assert pool.weights_[1] > 3 * pool.weights_[0]
    assert log_loss(pool.transduction_[UNLABELED], Y[UNLABELED], True) < 1.3 * log_loss(alone, Y[UNLABELED], True)


def test_voices_that_err_apart_are_better_together():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600)
    halves = y[:, None] + 1.2 * rng.standard_normal((600, 2))

    class Half(type(LOST)):
        def __init__(self, column=0, exclusive=True):
            super().__init__(LogisticRegression(), exclusive)
            self.column = column

        def _scaled(self, X):
            return np.asarray(X)[:, [self.column]]

        def __sklearn_clone__(self):
            return Half(self.column, self.exclusive)

    shown = np.where(np.arange(600) < 100, y, -1)
    alone = [log_loss(Half(k).fit(halves, shown).transduction_[100:], y[100:], True) for k in (0, 1)]
    pool = combined(Half(0), Half(1)).fit(halves, shown)
    assert log_loss(pool.transduction_[100:], y[100:], True) < 0.95 * min(alone)


def test_hidden_labels_show_a_voice_that_is_too_sure():
    few = np.where(np.isin(np.arange(len(Y)), np.flatnonzero(np.arange(len(Y)) % 9 == 0)), Y, -1)
    alone = TOO_SURE.fit(X, few).transduction_[few < 0]
    pool = combined(TOO_SURE).fit(X, few).transduction_[few < 0]
    assert log_loss(pool, Y[few < 0], True) < log_loss(alone, Y[few < 0], True)


def test_new_rows_are_pooled_as_the_fitted_ones_are():
    fitted = combined(logistic_regression(), BayesianNetwork(random_state=0)).fit(X, EVERY_FIFTH)
    assert fitted.predict_proba(X) == pytest.approx(fitted.transduction_, abs=1e-6)


def test_the_default_voices_learn_from_a_few_labels():
    iris, kinds = load_iris(return_X_y=True)
    fitted = Combination(random_state=0).fit(iris, np.where(np.arange(150) % 5 == 0, kinds, -1))
    assert (fitted.transduction_.argmax(axis=1) == kinds).mean() > 0.88
    assert len(fitted.weights_) == len(fitted.voices_) and (fitted.weights_ >= 0).all()
    assert fitted.to_arrays() is None


def test_categories_that_are_not_exclusive_are_weighed_one_by_one():
    y = np.column_stack([Y >= 1, Y == 2, np.ones(len(Y))]).astype(float)
    y[1::2] = np.nan
    fitted = combined(LOST, logistic_regression(), exclusive=False).fit(X, y)
    assert fitted.weights_.shape == (3, 2)
    assert (fitted.predict(X)[:, :2] == np.column_stack([Y >= 1, Y == 2])).mean() > 0.95
    assert np.isfinite(fitted.transduction_).all()


@pytest.mark.parametrize("rows", [[], [0], [0, 100], [0, 100, 177]])
def test_labels_too_few_to_hide_any_give_finite_probabilities(rows):
    targets = np.ones((len(Y), 3))
    targets[rows] = np.eye(3)[Y[rows]]
    found = combined(LOST, logistic_regression()).fit(X, targets).transduction_
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(1)


def test_rows_without_weight_teach_nothing():
    wrong = EVERY_FIFTH.copy()
    wrong[:30:5] = 2
    weight = np.ones(len(Y))
    weight[:30:5] = 0
    found = combined(logistic_regression()).fit(X, wrong, weight).transduction_
    assert (found.argmax(axis=1) == Y).mean() > 0.9


def test_progress_comes_from_every_fold():
    seen = []
    combined(LOST, logistic_regression(), progress=lambda fraction, message: seen.append(fraction)).fit(X, EVERY_FIFTH)
    assert seen == sorted(seen) and len(seen) == 12 and seen[-1] < 1


def test_a_pool_of_nobody_is_refused():
    with pytest.raises(ValueError, match="voices is empty"):
        combined().fit(X, EVERY_FIFTH)
