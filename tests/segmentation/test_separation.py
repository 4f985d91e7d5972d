import numpy as np
import pytest
from sklearn.datasets import make_moons

from segmentation import degrees
from segmentation.separation import TransductiveSVM, information, spoken_for


def clusters(seed=0, n=240, distances=((0, 0), (6, 0), (0, 6))):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % len(distances)
    return np.array(distances)[y] + rng.standard_normal((n, 2)), y


def hidden(y, shown):
    """y with -1 everywhere but at `shown`."""
    partly = np.full(len(y), -1)
    partly[shown] = y[shown]
    return partly


def test_few_labels_are_enough_where_rows_lie_in_clusters():
    X, y = clusters()
    fitted = TransductiveSVM().fit(X, hidden(y, range(3)))
    assert (fitted.predict(X) == y).mean() > 0.97


def test_unlabeled_rows_turn_the_boundary_into_the_gap():
    """Two bands, labeled at places that suggest a slanting cut across them."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    X = np.column_stack([rng.uniform(-1.5, 1.5, 200), 3.0 * y - 1.5 + 0.2 * rng.standard_normal(200)])
    X[:2] = [[-2.25, -1.5], [2.25, 1.5]]
    labels_only = TransductiveSVM(C_unlabeled=0).fit(X, hidden(y, [0, 1]))
    all_rows = TransductiveSVM().fit(X, hidden(y, [0, 1]))
    assert (labels_only.predict(X) == y).mean() < 0.85
    assert (all_rows.predict(X) == y).mean() > 0.98


def test_the_boundary_keeps_clear_of_rows():
    X, y = clusters(distances=((0, 0), (6, 0)))
    doubtful = np.abs(TransductiveSVM().fit(X, hidden(y, [0, 1])).transduction_[:, 0] - 0.5) < 0.2
    assert doubtful.mean() < 0.02


def test_balance_is_the_share_of_the_categories_among_all_rows():
    X, y = clusters(distances=((0, 0), (1, 0), (0, 1)))
    shares = [0.5, 0.3, 0.2]
    fitted = TransductiveSVM(balance=shares).fit(X, hidden(y, range(9)))
    without = TransductiveSVM().fit(X, hidden(y, range(9)))
    assert fitted.transduction_.mean(axis=0) == pytest.approx(shares, abs=0.07)
    assert np.abs(without.transduction_.mean(axis=0) - shares).max() > 0.1


def test_balance_keeps_unlabeled_rows_from_falling_on_one_side():
    X, _ = make_moons(200, noise=0.1, random_state=0)
    fitted = TransductiveSVM(C_unlabeled=100).fit(X, hidden(np.arange(200) % 2, [0, 1]))
    assert 0.2 < (fitted.predict(X) == 0).mean() < 0.8


def test_shares_are_seen_in_the_rows_where_labels_were_drawn_class_by_class():
    rng = np.random.default_rng(0)
    y = (rng.uniform(size=1000) < 0.1).astype(int)
    X = rng.standard_normal((1000, 2)) + 4.0 * y[:, None]
    shown = [*np.flatnonzero(y == 0)[:10], *np.flatnonzero(y == 1)[:10]]
    fitted = TransductiveSVM().fit(X, hidden(y, shown))
    assert 0.05 < fitted.shares_[1] < 0.15
    assert (fitted.predict(X) == y).mean() > 0.98


def test_how_labels_were_drawn_hardly_moves_the_shares():
    """Labeled three to one, or one to three, what is half and half."""
    X, y = clusters(distances=((0, 0), (2, 0)))
    ones, zeros = np.flatnonzero(y), np.flatnonzero(y == 0)
    drawn = [*ones[:15], *zeros[:5]], [*ones[:5], *zeros[:15]]
    many, few = (TransductiveSVM().fit(X, hidden(y, shown)).shares_[1] for shown in drawn)
    assert 0 < many - few < 0.17


def test_whether_it_is_the_third_is_used_where_the_answer_is_no():
    gain = []
    for seed in range(5):
        X, y = clusters(seed, distances=((0, 0), (3, 0), (0, 3)))
        targets, _ = degrees.to_targets(hidden(y, range(3)))
        asked = targets.copy()
        asked[3:90] = np.where((y == 2)[3:90, None], [0.01, 0.01, 1], [1, 1, 0.01])
        without, with_ = (TransductiveSVM().fit(X, t).predict(X)[90:] for t in (targets, asked))
        gain.append((with_ == y[90:]).mean() - (without == y[90:]).mean())
    assert np.mean(gain) > 0.02


def test_probabilities_sum_to_one_and_new_rows_are_served():
    X, y = clusters()
    fitted = TransductiveSVM().fit(X, hidden(y, range(6)))
    new, truth = clusters(seed=1)
    assert fitted.predict_proba(new).sum(axis=1) == pytest.approx(1)
    assert (fitted.predict(new) == truth).mean() > 0.95
    assert np.array_equal(fitted.predict_proba(X), fitted.transduction_)


def test_margins_are_log_odds():
    X, y = clusters()
    fitted = TransductiveSVM().fit(X, hidden(y, range(6)))
    f, p = fitted.margins(X), fitted.transduction_
    assert f == pytest.approx(X @ fitted.coef_.T + fitted.intercept_)
    assert (f[:, 0] - f[:, 1])[:20] == pytest.approx(np.log(p[:, 0] / p[:, 1])[:20], abs=1e-6)


def test_weights_count():
    X, y = clusters(distances=((0, 0), (1, 0)))
    labels = hidden(y, range(20))
    even = TransductiveSVM().fit(X, labels).transduction_
    towards_one = TransductiveSVM().fit(X, labels, np.where(y == 1, 20.0, 1.0)).transduction_
    assert towards_one[:, 1].mean() > even[:, 1].mean() + 0.05


def test_labels_and_their_likelihoods_say_the_same():
    X, y = clusters(distances=((0, 0), (2, 0), (0, 2)))
    labels = hidden(y, range(9))
    targets, _ = degrees.to_targets(labels)
    assert TransductiveSVM().fit(X, labels).coef_ == pytest.approx(TransductiveSVM().fit(X, targets).coef_)


@pytest.mark.parametrize("shown", [[0], [0, 3], [0, 1]])
def test_a_class_nobody_was_seen_in_gets_its_share_and_no_boundary(shown):
    X, y = clusters()
    targets = np.ones((len(y), 3))
    targets[shown] = np.eye(3)[y[shown]]
    fitted = TransductiveSVM().fit(X, targets)
    assert np.isfinite(fitted.transduction_).all()
    assert fitted.transduction_.sum(axis=1) == pytest.approx(1)
    assert np.array_equal(fitted.coef_[2], [0, 0])
    assert fitted.transduction_[:, 2] == pytest.approx(fitted.shares_[2])


def test_rows_that_all_lean_to_one_class_leave_no_boundary():
    X, _ = clusters()
    targets = np.ones((len(X), 2))
    targets[:2, 1] = [0.1, 0.9]
    fitted = TransductiveSVM().fit(X, targets)
    assert np.array_equal(fitted.coef_, np.zeros((2, 2)))
    assert fitted.transduction_ == pytest.approx(np.tile(fitted.shares_, (len(X), 1)))


@pytest.mark.parametrize("balance", [[0.5, 0.5], [1, 1, 0]])
def test_a_balance_of_the_wrong_length_or_without_share_is_refused(balance):
    X, y = clusters()
    with pytest.raises(ValueError, match="give 3 shares above 0"):
        TransductiveSVM(balance=balance).fit(X, hidden(y, range(3)))


def test_a_constant_column_changes_nothing():
    X, y = clusters()
    plain = TransductiveSVM().fit(X, hidden(y, range(6))).transduction_
    padded = TransductiveSVM().fit(np.column_stack([X, np.full(len(X), 7.0)]), hidden(y, range(6))).transduction_
    assert padded == pytest.approx(plain, abs=5e-3)  # rounding of float32, carried along by the stages


def test_rows_that_are_all_the_same_get_the_labels_shares():
    fitted = TransductiveSVM().fit(np.ones((50, 3)), hidden(np.arange(50) % 2, [0, 1]))
    assert fitted.transduction_ == pytest.approx(0.5, abs=0.01)


def test_many_categories_wrong_labels_and_duplicates_are_borne():
    rng = np.random.default_rng(0)
    y = np.arange(1300) % 26
    X = np.repeat((8 * rng.standard_normal((26, 10)))[y[:650]] + rng.standard_normal((650, 10)), 2, axis=0)
    y = np.repeat(y[:650], 2)
    labels = hidden(y, range(260))
    labels[:26] = rng.permutation(26)
    assert (TransductiveSVM().fit(X, labels).predict(X) == y).mean() > 0.9


def test_a_rare_class_is_found():
    rng = np.random.default_rng(0)
    y = (np.arange(2000) < 20).astype(int)
    X = rng.standard_normal((2000, 5)) + 5.0 * y[:, None]
    shown = [*range(3), *range(100, 160)]
    assert (TransductiveSVM().fit(X, hidden(y, shown)).predict(X) == y).mean() > 0.99


def test_information_is_one_for_a_class_and_nothing_for_none():
    assert information(np.array([[0, 1.0, 0], [1, 1, 1], [1, 1, 0]])) == pytest.approx(
        [1, 0, 1 - np.log(2) / np.log(3)], abs=1e-6
    )


def test_a_class_is_spoken_for_by_a_row_that_finds_it_likely():
    assert spoken_for(np.array([[1, 1, 0.01, 0.01]])).tolist() == [True, True, False, False]
