import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from segmentation.classical import (
    Classical,
    extra_trees,
    gradient_boosting,
    label_spreading,
    logistic_regression,
    random_forest,
    self_training,
    support_vectors,
)
from segmentation.scaling import LIMIT, Scaling

X, Y = load_iris(return_X_y=True)
EVERY_FIFTH = np.where(np.arange(len(Y)) % 5 == 0, Y, -1)


@pytest.mark.parametrize("estimator", [ExtraTreesClassifier(random_state=0), KNeighborsClassifier(3)])
def test_any_estimator_learns_from_the_labeled_rows_of_a_vector(estimator):
    fitted = Classical(estimator).fit(X, EVERY_FIFTH)
    assert (fitted.predict(X) == Y).mean() > 0.9
    assert fitted.transduction_ == pytest.approx(fitted.predict_proba(X))


def test_likelihoods_say_the_same_as_a_vector():
    targets = np.where(EVERY_FIFTH[:, None] < 0, 1.0, np.eye(3)[EVERY_FIFTH])
    by_vector = logistic_regression().fit(X, EVERY_FIFTH).transduction_
    assert logistic_regression().fit(X, targets).transduction_ == pytest.approx(by_vector)


def test_a_category_never_seen_keeps_its_column_and_a_small_share():
    targets = np.ones((len(Y), 4))
    targets[EVERY_FIFTH >= 0] = np.eye(4)[EVERY_FIFTH[EVERY_FIFTH >= 0]]
    found = logistic_regression().fit(X, targets).transduction_
    assert found.shape == (len(Y), 4)
    assert found[:, 3] == pytest.approx(1 / 34)
    assert found.sum(axis=1) == pytest.approx(1)


def test_the_less_certain_row_weighs_less():
    targets = np.ones((len(Y), 3))
    targets[:100] = np.where(np.eye(3)[Y[:100]] > 0, 1.0, 0.0)
    sure = logistic_regression().fit(X, targets).transduction_
    targets[:50, 1] = 0.9
    unsure = logistic_regression().fit(X, targets).transduction_
    assert unsure[:50, 0].mean() < sure[:50, 0].mean()


@pytest.mark.parametrize("rows", [[], [0], [0, 1, 2]])
def test_one_category_seen_or_none_gives_each_its_share(rows):
    targets = np.ones((len(Y), 3))
    targets[rows] = [1, 0, 0]
    found = logistic_regression().fit(X, targets).transduction_
    shares = np.array([1 + len(rows), 1, 1]) / (3 + len(rows))
    assert found == pytest.approx(np.tile(shares, (len(Y), 1)))


def test_categories_that_are_not_exclusive_are_learned_one_by_one():
    y = np.column_stack([Y >= 1, Y == 2, np.ones(len(Y))]).astype(float)
    y[1::2] = np.nan
    fitted = logistic_regression(exclusive=False).fit(X, y)
    assert fitted.transduction_.shape == (len(Y), 3)
    assert (fitted.predict(X)[:, 0] == (Y >= 1)).mean() > 0.95
    assert (fitted.predict(X)[:, 1] == (Y == 2)).mean() > 0.85
    assert fitted.transduction_[:, 2] == pytest.approx(76 / 77)  # 75 times yes and never no


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_logistic_regression_comes_back_from_arrays_alone(exclusive, tmp_path):
    y = EVERY_FIFTH if exclusive else np.column_stack([EVERY_FIFTH % 2, np.ones(len(Y))]).astype(float)
    fitted = logistic_regression(exclusive).fit(X, y)
    np.savez(tmp_path / "kept.npz", **fitted.to_arrays())
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as arrays:
        back = Classical.from_arrays(arrays)
    assert np.array_equal(back.predict_proba(X), fitted.predict_proba(X))
    assert np.array_equal(back.predict(X), fitted.predict(X))


def test_an_estimator_without_such_arrays_gives_none():
    assert Classical(KNeighborsClassifier(1)).fit(X, EVERY_FIFTH).to_arrays() is None


def test_an_estimator_without_probabilities_is_refused_with_what_to_do():
    with pytest.raises(TypeError, match="wrap it in Calibrated"):
        Classical(LinearSVC()).fit(X, EVERY_FIFTH)


def test_rows_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="infinity"):
        logistic_regression().fit(np.where(X > 7, np.inf, X), EVERY_FIFTH)


def test_columns_of_different_units_are_brought_to_one_scale():
    raw = np.column_stack([np.arange(10.0), 1e6 + 1e3 * np.arange(10.0), np.full(10, 7.7)])
    scaled = Scaling().fit_transform(raw)
    assert scaled[:, 0] == pytest.approx(scaled[:, 1], abs=1e-4)
    assert scaled.std(axis=0) == pytest.approx([1, 1, 0], abs=1e-4)


def test_columns_that_come_centred_keep_their_proportions():
    prepared = np.random.default_rng(0).standard_normal((500, 2)) * [1, 5]
    prepared -= prepared.mean(axis=0)
    spread = Scaling().fit_transform(prepared).std(axis=0)
    assert spread[1] / spread[0] == pytest.approx(prepared.std(axis=0)[1] / prepared.std(axis=0)[0], rel=1e-4)
    assert (spread**2).mean() == pytest.approx(1, rel=1e-4)
    assert Scaling("columns").fit_transform(prepared).std(axis=0) == pytest.approx([1, 1], rel=1e-4)


def test_a_row_far_outside_stays_finite():
    scaling = Scaling().fit(X)
    assert np.abs(scaling.transform(np.full((1, 4), 1e300))).max() == LIMIT


def test_an_unknown_scaling_is_refused():
    with pytest.raises(ValueError, match="choose"):
        Scaling("rows").fit(X)


FACTORIES = [random_forest, extra_trees, gradient_boosting, support_vectors, label_spreading, self_training]


@pytest.mark.parametrize("make", FACTORIES)
def test_every_factory_tells_kinds_of_iris_apart(make):
    found = make(random_state=0).fit(X, np.where(np.arange(len(Y)) % 3 == 0, Y, -1)).transduction_
    assert (found.argmax(axis=1) == Y).mean() > 0.88


@pytest.mark.parametrize("make", [self_training, extra_trees])
def test_a_factory_learns_categories_one_by_one_and_again_with_the_same_seed(make):
    y = np.where((np.arange(len(Y)) % 3)[:, None] == 0, np.column_stack([Y == 0, Y == 2]), np.nan)
    fitted = make(exclusive=False, random_state=0).fit(X, y)
    assert (fitted.predict(X) == np.column_stack([Y == 0, Y == 2])).mean() > 0.9
    assert make(exclusive=False, random_state=0).fit(X, y).transduction_ == pytest.approx(fitted.transduction_)


@pytest.mark.parametrize("make", FACTORIES)
@pytest.mark.parametrize("shown", [[0, 149], [0, 75, 149]])
def test_every_factory_copes_with_categories_of_one_row(make, shown):
    y = np.where(np.isin(np.arange(len(Y)), shown), Y, -1)
    found = make(random_state=0).fit(X, y).transduction_
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(1)
