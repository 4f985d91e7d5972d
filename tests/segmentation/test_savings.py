import numpy as np
import pytest

from segmentation.savings import dearer, needed, saving

SPENDS = np.array([100.0, 200.0, 300.0, 400.0])


def two_classes(n=700, seed=0):
    random = np.random.default_rng(seed)
    y = random.integers(2, size=n)
    return random.normal(size=(n, 40)) + 0.5 * y[:, None] * (np.arange(40) < 16), y


def targets(y, known):
    found = np.ones((len(y), 2))
    found[known] = np.eye(2)[y[known]]
    return found


def compare(chosen_items, drawn_items, seed=0, **options):
    """An exam of the last 300 items; so many known items at each of four spends on either side."""
    X, y = two_classes(seed=seed)
    exam = np.arange(400, 700)
    chosen = [targets(y, np.arange(count)) for count in chosen_items]
    drawn = [targets(y, np.r_[0:10, exam[:count]]) for count in drawn_items]
    return saving(X, exam, y[exam], np.array(chosen), np.array(drawn), SPENDS, **options)


def test_a_side_that_teaches_more_for_its_money_is_found_out():
    found = compare((10, 100, 200, 400), (0, 5, 10, 15))
    assert found.gain[0] > 0.05 and found.gain[1] > 0
    assert found.times[0] > 1 and found.times[1] > 1
    assert found.chosen[-1] - found.drawn[-1] == pytest.approx(found.gain[0])


def test_sides_that_teach_the_same_are_told_apart_by_chance_only():
    found = [compare((10, 60, 120, 180), (0, 60, 120, 180), seed=seed) for seed in range(8)]
    assert sum(one.gain[1] <= 0 <= one.gain[2] for one in found) >= 7
    assert sum(one.times[1] <= 1 <= one.times[2] for one in found) >= 7


def test_what_is_examined_never_judges_what_it_taught():
    """Noise alone: whoever was taught by the exam's own items would seem to know them."""
    random = np.random.default_rng(3)
    X, y = random.normal(size=(400, 150)), random.integers(2, size=400)
    exam = np.arange(200, 400)
    chosen = [targets(y, np.arange(150))] * 4
    drawn = [targets(y, exam)] * 4
    found = saving(X, exam, y[exam], np.array(chosen), np.array(drawn), SPENDS)
    assert found.drawn == pytest.approx(0.5, abs=0.1)


def test_one_category_alone_teaches_nothing():
    X, y = two_classes()
    exam, none = np.arange(400, 700), np.ones((1, 700, 2))
    assert saving(X, exam, y[exam], none, none, [100.0]) is None


def test_cells_are_compared_each_by_itself():
    X, y = two_classes()
    exam = np.arange(400, 700)
    truth = np.stack([y, 1 - y], axis=1).astype(float)

    def cells(known):
        found = np.full((700, 2), np.nan)
        found[known] = truth[known]
        return found

    chosen, drawn = [[cells(np.arange(count))] for count in (400, 12)]
    found = saving(X, exam, truth[exam], np.array(chosen), np.array(drawn), [100.0], exclusive=False)
    assert found.gain[1] > 0


def test_money_needed_lies_between_two_spends_on_the_log_scale():
    assert needed(SPENDS, np.array([0.5, 0.6, 0.7, 0.8]), 0.65) == pytest.approx(np.sqrt(200 * 300))
    assert needed(SPENDS, np.array([0.5, 0.6, 0.55, 0.8]), 0.6) == pytest.approx(200)


def test_the_worse_side_is_the_dearer_one():
    better, worse = np.array([0.5, 0.7, 0.8, 0.9]), np.array([0.5, 0.6, 0.65, 0.7])
    assert dearer(SPENDS, better, worse) == pytest.approx(2)
    assert dearer(SPENDS, worse, better) == pytest.approx(0.5)
    assert dearer(SPENDS, worse, worse) == pytest.approx(1)


def test_what_both_knew_from_the_beginning_saves_nothing():
    assert dearer(SPENDS, np.full(4, 0.9), np.full(4, 0.9)) == 1
