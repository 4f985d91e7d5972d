import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine

from segmentation.bayesian import BayesianNetwork
from segmentation.factors import Factors, one_hot, widest_gaps
from segmentation.tables import fit_weights, folds

X, Y = load_wine(return_X_y=True)
EVERY_NINTH = np.where(np.arange(len(Y)) % 9 == 0, Y, -1)


def network(**settings):
    return BayesianNetwork(random_state=0, **settings)


def test_few_labels_tell_wines_apart_and_the_probabilities_are_honest():
    fitted = network().fit(X, EVERY_NINTH)
    unlabeled = EVERY_NINTH < 0
    right = fitted.transduction_.argmax(axis=1) == Y
    assert right[unlabeled].mean() > 0.9
    assert abs(fitted.transduction_.max(axis=1)[unlabeled].mean() - right[unlabeled].mean()) < 0.1


def test_units_outliers_and_monotone_transformations_of_features_change_nothing():
    plain = network(directions=0).fit(X, EVERY_NINTH).transduction_
    bent = X.copy()
    bent[:, 0] = 1e6 * X[:, 0] - 3
    bent[:, 1] = X[:, 1] ** 3
    bent[X[:, 2].argmax(), 2] = 1e9
    bent_found = network(directions=0).fit(bent, EVERY_NINTH).transduction_
    assert (bent_found.argmax(axis=1) == plain.argmax(axis=1)).mean() > 0.98


def test_a_constant_column_changes_nothing():
    padded = np.column_stack([np.full(len(X), 7.7), X])
    found = network().fit(padded, EVERY_NINTH).transduction_
    assert found == pytest.approx(network().fit(X, EVERY_NINTH).transduction_, abs=0.01)


def test_only_factors_that_differentiate_are_kept():
    noise = np.random.default_rng(0).standard_normal((len(X), 40))
    fitted = network(directions=0).fit(np.column_stack([X, noise]), EVERY_NINTH)
    kept = fitted.networks_[0].tables.any(axis=(1, 2))
    assert kept[:13].mean() > 0.8
    assert kept[13:].mean() < 0.4


def test_a_factor_seen_twice_counts_about_once():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 500)
    weak = y + 1.5 * rng.standard_normal(1000)
    copies = np.column_stack([weak + 1e-3 * rng.standard_normal(1000) for _ in range(8)])
    shown = np.where(np.arange(1000) % 10 == 0, y, -1)
    once = network(directions=0).fit(weak[:, None], shown).transduction_
    often = network(directions=0).fit(copies, shown).transduction_
    assert np.abs(often - once).mean() < 0.05


def test_factors_that_tell_nothing_alone_tell_together():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 600)
    first = rng.standard_normal(1200)
    second = np.where(y, first, -first) + 0.3 * rng.standard_normal(1200)
    features = np.column_stack([first, second, y + 0.6 * rng.standard_normal(1200)])
    shown = np.where(np.arange(1200) % 10 == 0, y, -1)

    def accuracy(tree):
        found = network(directions=0, tree=tree).fit(features, shown).transduction_
        return (found.argmax(axis=1) == y)[shown < 0].mean()

    assert accuracy(tree=True) > accuracy(tree=False) + 0.1


def test_likelihoods_say_the_same_as_a_vector():
    targets = np.where(EVERY_NINTH[:, None] < 0, 1.0, np.eye(3)[EVERY_NINTH])
    by_vector = network().fit(X, EVERY_NINTH).transduction_
    assert network().fit(X, targets).transduction_ == pytest.approx(by_vector)


def test_rows_that_are_partly_known_teach_too():
    """What is only known to be not the third tells the first two from it, with a few labels to begin with."""
    targets = np.ones((len(Y), 3))
    some = np.concatenate([np.flatnonzero(c == Y)[:4] for c in range(3)])
    targets[some] = np.eye(3)[Y[some]]
    halves = targets.copy()
    others = np.setdiff1d(np.arange(len(Y)), some)[::2]
    halves[others] = np.where(Y[others, None] == 2, [[0.01, 0.01, 1]], [[1, 1, 0.01]])
    unlabeled = np.setdiff1d(np.arange(len(Y)), np.concatenate([some, others]))

    def loss(t):
        return -np.log(network().fit(X, t).transduction_[unlabeled, Y[unlabeled]]).mean()

    assert loss(halves) < loss(targets)


@pytest.mark.parametrize("rows", [[], [0], [0, 1, 2]])
def test_where_there_is_nothing_to_tell_apart_each_category_gets_its_share(rows):
    targets = np.ones((len(Y), 3))
    targets[rows] = [1, 0, 0]
    found = network().fit(X, targets)
    assert found.transduction_ == pytest.approx(np.tile(np.array([1 + len(rows), 1, 1]) / (3 + len(rows)), (len(Y), 1)))


@pytest.mark.parametrize("case", ["two labels in all", "one row a category", "duplicates", "few rows", "26 categories"])
def test_scarcity_gives_finite_probabilities_that_sum_to_one(case):
    features, shown = {
        "two labels in all": (X, np.where(np.isin(np.arange(len(Y)), [0, 177]), Y, -1)),
        "one row a category": (X, np.where(np.isin(np.arange(len(Y)), [0, 100, 177]), Y, -1)),
        "duplicates": (np.repeat(X[:20], 9, axis=0), np.tile([0, 1, -1], 60)),
        "few rows": (X[[0, 100]], np.array([0, 1])),
        "26 categories": (X, np.where(np.arange(len(Y)) < 26, np.arange(len(Y)), -1)),
    }[case]
    found = network().fit(features, shown).transduction_
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(1)


def test_categories_that_are_not_exclusive_are_learned_one_by_one():
    y = np.column_stack([Y >= 1, Y == 2, np.ones(len(Y))]).astype(float)
    y[1::2] = np.nan
    fitted = network(exclusive=False).fit(X, y)
    assert fitted.transduction_.shape == (len(Y), 3)
    assert (fitted.predict(X)[:, :2] == np.column_stack([Y >= 1, Y == 2])).mean() > 0.9
    assert fitted.transduction_[:, 2].min() > 0.9


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_network_comes_back_from_arrays_alone(exclusive, tmp_path):
    iris, kinds = load_iris(return_X_y=True)
    y = kinds if exclusive else np.column_stack([kinds == 1, np.ones(len(kinds))]).astype(float)
    fitted = network(exclusive=exclusive).fit(iris, y)
    np.savez(tmp_path / "kept.npz", **fitted.to_arrays())
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as arrays:
        back = BayesianNetwork.from_arrays(arrays)
    assert np.array_equal(back.predict_proba(iris), fitted.predict_proba(iris))


def test_the_same_seed_gives_the_same_network():
    assert np.array_equal(network().fit(X, EVERY_NINTH).transduction_, network().fit(X, EVERY_NINTH).transduction_)


@pytest.mark.parametrize("wrong", [{"levels": 1}, {"folds": 1}, {"bandwidth": 0}, {"strength": -1}, {"directions": -1}])
def test_parameters_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        network(**wrong).fit(X, EVERY_NINTH)


def test_cuts_lie_in_the_widest_gaps_and_never_on_a_value():
    values = np.sort(np.random.default_rng(0).integers(0, 9, 500)).astype(float)[None]
    cuts = widest_gaps(values, 31)
    assert set(cuts[np.isfinite(cuts)]) == {k + 0.5 for k in range(8)}


def test_a_rare_value_has_a_level_of_its_own():
    column = np.zeros((1000, 1))
    column[3] = 1.0
    factors = Factors.of(column, levels=8, directions=0)
    assert factors.levels(column)[3] != factors.levels(column)[4]


def test_a_product_with_one_hot_codes_looks_up():
    codes, table = np.array([[0, 2], [1, 1]]), np.arange(6.0)[:, None]
    assert (one_hot(codes, 3) @ table).ravel().tolist() == [0 + 5, 1 + 4]


def test_folds_spread_every_label():
    labels = np.repeat([0, 1, 2], [5, 10, 15])
    fold = folds(labels, 5, np.random.RandomState(0))
    assert [np.bincount(fold[labels == c]).tolist() for c in range(3)] == [[1] * 5, [2] * 5, [3] * 5]


def test_evidence_that_misleads_weighs_less_than_evidence_that_helps():
    rng = np.random.default_rng(0)
    known = np.eye(2)[rng.integers(0, 2, 200)]
    helps, misleads = 4 * known + rng.standard_normal((200, 2)), 4 * rng.standard_normal((200, 2))
    weights, _ = fit_weights(np.stack([helps, misleads]), known, np.full(2, 0.5))
    assert weights[0] > 5 * weights[1]
