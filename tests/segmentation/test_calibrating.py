import numpy as np
import pytest
from sklearn.datasets import load_digits, make_moons
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC, LinearSVC

from segmentation.calibrating import Calibrated, learns_from_all_rows
from segmentation.confidence import log_loss

X, Y = load_digits(return_X_y=True)
SHOWN = np.arange(len(Y)) < 150


@pytest.mark.parametrize("estimator", [ExtraTreesClassifier(50, random_state=0), GaussianNB()])
def test_trees_become_surer_and_naive_classifiers_less_sure(estimator):
    plain = estimator.fit(X[SHOWN], Y[SHOWN]).predict_proba(X[~SHOWN])
    calibrated = Calibrated(estimator).fit(X[SHOWN], Y[SHOWN]).predict_proba(X[~SHOWN])
    assert log_loss(calibrated, Y[~SHOWN], True) < 0.8 * log_loss(plain, Y[~SHOWN], True)
    assert (calibrated.argmax(axis=1) == plain.argmax(axis=1)).mean() > 0.95


@pytest.mark.parametrize("estimator", [SVC(), LinearSVC()])
def test_margins_become_probabilities(estimator):
    found = Calibrated(estimator).fit(X[SHOWN], Y[SHOWN]).predict_proba(X[~SHOWN])
    right = (found.argmax(axis=1) == Y[~SHOWN]).mean()
    assert found.sum(axis=1) == pytest.approx(1)
    assert abs(found.max(axis=1).mean() - right) < 0.15


def test_labels_spread_over_rows_without_any():
    moons, side = make_moons(300, noise=0.06, random_state=0)
    shown = np.full(300, -1)
    for c in (0, 1):
        shown[np.flatnonzero(side == c)[:4]] = c
    fitted = Calibrated(LabelSpreading(kernel="knn", n_neighbors=8, alpha=0.9)).fit(moons, shown)
    assert (fitted.predict(moons) == side).mean() > 0.95


def test_a_row_that_no_label_reaches_stays_undecided():
    islands = np.concatenate([np.linspace(0, 1, 20), np.linspace(2, 3, 20), np.linspace(100, 101, 20)])[:, None]
    shown = np.full(60, -1)
    shown[[3, 10, 15]], shown[[23, 30, 35]] = 0, 1
    found = Calibrated(LabelSpreading(kernel="knn", n_neighbors=4)).fit(islands, shown).predict_proba(islands)
    assert found[40:] == pytest.approx(0.5)
    assert found[5, 0] > 0.8 and found[25, 1] > 0.8


def test_weights_reach_the_estimator_and_the_trust():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((200, 1)), np.repeat([0, 1], 100)
    x[y == 1] += 2
    y[:30] = 1  # wrong
    weight = np.ones(200)
    weight[:30] = 1e-6
    weighed = Calibrated(GaussianNB()).fit(x, y, weight)
    clean = Calibrated(GaussianNB()).fit(x[30:], y[30:])
    assert weighed.predict_proba(x) == pytest.approx(clean.predict_proba(x), abs=0.05)


def test_only_semi_supervised_estimators_learn_from_all_rows():
    assert learns_from_all_rows(LabelSpreading()) and learns_from_all_rows(Calibrated(LabelSpreading()))
    assert not learns_from_all_rows(GaussianNB()) and not learns_from_all_rows(Calibrated(GaussianNB()))
