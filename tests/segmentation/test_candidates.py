import numpy as np
import pytest
from sklearn.datasets import make_moons

from segmentation import candidates, views
from segmentation.degrees import to_targets
from segmentation.separation import TransductiveSVM

EVERYONE = candidates.candidates(TransductiveSVM())


@pytest.fixture(scope="module")
def moons():
    X, truth = make_moons(300, noise=0.08, random_state=0)
    X = ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32)
    return candidates.Rows(X, views.prepare(X, random_state=0)), truth


def told(truth, rows):
    y = np.full(len(truth), -1)
    y[rows] = truth[rows]
    return to_targets(y, classes=[0, 1])[0]


@pytest.mark.parametrize("name", EVERYONE)
def test_every_candidate_is_better_than_chance_and_speaks_of_the_rows_it_is_asked_about(name, moons):
    rows, truth = moons
    wanted = np.arange(40, 300, 3)
    found = EVERYONE[name](rows, told(truth, np.arange(40)), np.ones(300), wanted, seed=0)
    assert found.shape == (len(wanted), 2)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (found.argmax(axis=1) == truth[wanted]).mean() > 0.8


@pytest.mark.parametrize("name", EVERYONE)
def test_a_candidate_told_of_one_category_only_gives_shares(name, moons):
    rows, truth = moons
    found = EVERYONE[name](rows, told(truth, np.flatnonzero(truth == 0)[:3]), np.ones(300), np.arange(300), seed=0)
    assert np.isfinite(found).all()
    assert found.mean(axis=0)[0] > 0.5


@pytest.mark.parametrize("name", EVERYONE)
def test_rows_without_weight_are_not_heard(name, moons):
    rows, truth = moons
    weight = np.ones(300)
    weight[40:80] = 0
    lies = told(truth, np.arange(40))
    lies[40:80] = told(1 - truth, np.arange(40, 80))[40:80]
    wanted = np.arange(100, 300)
    true = EVERYONE[name](rows, told(truth, np.arange(40)), weight, wanted, seed=0)
    assert EVERYONE[name](rows, lies, weight, wanted, seed=0) == pytest.approx(true, abs=0.15)


def test_spreading_and_the_spectrum_follow_the_shape_that_two_labels_lie_on(moons):
    rows, truth = moons
    few = told(truth, [np.flatnonzero(truth == 0)[0], np.flatnonzero(truth == 1)[0]])
    accuracy = {
        name: (EVERYONE[name](rows, few, np.ones(300), np.arange(300), seed=0).argmax(axis=1) == truth).mean()
        for name in ("spreading to neighbours", "separation on the spectrum", "logistic regression")
    }
    assert accuracy["spreading to neighbours"] > accuracy["logistic regression"] + 0.05
    assert accuracy["separation on the spectrum"] > accuracy["logistic regression"] + 0.05
