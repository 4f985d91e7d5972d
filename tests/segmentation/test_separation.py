import numpy as np
import pytest
from sklearn.datasets import make_moons

from segmentation import degrees, separation
from segmentation.separation import (
    TransductiveSVM,
    calibrate,
    convexified,
    minimise,
    objective,
    rounded_hinge,
    separate,
)


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
    labels_only = TransductiveSVM(C_unlabeled=1e-9).fit(X, hidden(y, [0, 1]))
    all_rows = TransductiveSVM().fit(X, hidden(y, [0, 1]))
    assert (labels_only.predict(X) == y).mean() < 0.85
    assert (all_rows.predict(X) == y).mean() > 0.98


def test_the_margin_is_kept_clear_of_rows():
    X, y = clusters(distances=((0, 0), (6, 0)))
    inside = np.abs(TransductiveSVM().fit(X, hidden(y, [0, 1])).margins(X)[:, 0]) < 0.5
    assert inside.mean() < 0.02


def test_the_balance_constraint_holds_over_all_rows():
    X, y = clusters()
    fitted = TransductiveSVM(balance=[0.5, 0.3, 0.2]).fit(X, hidden(y, range(3)))
    assert fitted.margins(X).mean(axis=0) == pytest.approx([0, -0.4, -0.6], abs=1e-9)


def test_balance_keeps_unlabeled_rows_from_falling_on_one_side():
    X, _ = make_moons(200, noise=0.1, random_state=0)
    fitted = TransductiveSVM(C_unlabeled=100).fit(X, hidden(np.arange(200) % 2, [0, 1]))
    assert 0.2 < (fitted.predict(X) == 0).mean() < 0.8


def test_each_turn_of_the_procedure_lowers_the_objective():
    X, y = clusters(distances=((0, 0), (2, 0)))
    Z = X - X.mean(axis=0)
    side = np.where(np.arange(len(y)) < 6, 2.0 * y - 1, 0.0)
    cost, open_cost = 10.0 * (side != 0), 1.0 * (side == 0)

    def value(w):
        return objective(w, Z @ w, [(side, 1.0, cost), (np.sign(Z @ w), 1.0, open_cost)])  # hinge(|f|)

    values = [value(separate(Z, 0.0, side, cost, open_cost, stages=1, rounds=rounds)) for rounds in range(4)]
    assert values[0] > values[1] >= values[2] - 1e-6
    assert values[2] >= values[3] - 1e-6


def test_the_concave_part_is_replaced_by_its_tangent(monkeypatch):
    monkeypatch.setattr(separation, "CORNER", 1e-9)
    f = np.linspace(-3, 3, 61)
    hinge = lambda z: np.maximum(0, 1 - z)  # noqa: E731
    for s in (-1.0, 1.0):
        found = sum(rounded_hinge(reach - side * f) for side, reach, _ in convexified(np.full(61, s), np.ones(61)))
        assert found == pytest.approx(hinge(f) + hinge(-f) - (1 + s * f), abs=1e-6)
        assert (found >= hinge(np.abs(f)) - 1e-6).all()
        assert found[s * f > 0] == pytest.approx(hinge(np.abs(f))[s * f > 0], abs=1e-6)


def test_calibration_takes_the_share_not_the_number_of_answers():
    """Thirty rows asked for another category are outside this one, only one was seen inside it."""
    f, side = np.append(1.0, np.linspace(-2, -1, 30)), np.append(1.0, -np.ones(30))
    slope, offset = calibrate(f, side, np.ones(31), share=0.5)
    rare, rarer = calibrate(f, side, np.ones(31), share=0.03)
    assert slope + offset > 0.5 > rare + rarer


def test_newtons_method_finds_the_minimum():
    X, y = clusters(distances=((0, 0), (1, 0)))
    hinges = [(2.0 * y - 1, 1.0, np.full(len(y), 3.0)), (np.ones(len(y)), -1.0, np.full(len(y), 0.5))]
    w = minimise(X, 0.1, hinges, np.zeros(2))
    best = objective(w, X @ w + 0.1, hinges)
    for step in np.random.default_rng(0).standard_normal((50, 2)) * 0.01:
        assert objective(w + step, X @ (w + step) + 0.1, hinges) > best - 1e-4


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


def test_weights_count():
    X, y = clusters(distances=((0, 0), (1, 0)))
    labels = hidden(y, range(20))
    even = TransductiveSVM().fit(X, labels).transduction_
    towards_one = TransductiveSVM().fit(X, labels, np.where(y == 1, 20.0, 1.0)).transduction_
    assert towards_one[:, 1].mean() > even[:, 1].mean() + 0.05


@pytest.mark.parametrize("shown", [[0], [0, 3], [0, 1]])
def test_a_class_nobody_was_seen_in_gets_its_share_and_no_boundary(shown):
    X, y = clusters()
    targets = np.ones((len(y), 3))
    targets[shown] = np.eye(3)[y[shown]]
    fitted = TransductiveSVM().fit(X, targets)
    assert np.isfinite(fitted.transduction_).all()
    assert np.array_equal(fitted.coef_[2], [0, 0])


@pytest.mark.parametrize("balance", [[0.5, 0.5], [1, 1, 0]])
def test_a_balance_of_the_wrong_length_or_without_share_is_refused(balance):
    X, y = clusters()
    with pytest.raises(ValueError, match="give 3 shares above 0"):
        TransductiveSVM(balance=balance).fit(X, hidden(y, range(3)))
