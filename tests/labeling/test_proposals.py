"""The plain rules: which rectangles thresholds, margins and chance propose, and what lies in doubt in them."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import entropy

from labeling.proposals import Doubt, close_calls, hard_items, margin, random_items, weak_categories
from tests.doubting import EITHER, SEEDS, a_doubt, bits, cells

PROPOSERS = close_calls, hard_items, weak_categories, random_items, margin


@pytest.mark.parametrize("propose", PROPOSERS)
@pytest.mark.parametrize("by_cell", [True, False])
@EITHER
@SEEDS
def test_nothing_unaskable_is_proposed_and_no_limit_exceeded(propose, by_cell, exclusive, seed):
    doubt = a_doubt(seed, exclusive=exclusive, by_cell=by_cell)
    for limit in (0, 1, 7, 10_000):
        found = propose(doubt, limit, seed)
        assert len(found) <= limit
        assert len(found) == limit or limit > 1
        for proposal in found:
            assert all(doubt.cells[cell] for cell in cells(proposal))
            assert proposal.value >= 0 and proposal.reason
            assert proposal.claims_rows == exclusive


@pytest.mark.parametrize("propose", PROPOSERS)
def test_the_same_seed_proposes_the_same(propose):
    assert propose(a_doubt(1), 20, 7) == propose(a_doubt(1), 20, 7)


@pytest.mark.parametrize("propose", [close_calls, hard_items, weak_categories])
@EITHER
def test_nothing_is_asked_where_the_classifier_is_certain(propose, exclusive):
    sure = np.tile(np.eye(3, dtype=np.float32) * 0.96 + 0.01, (5, 1))
    assert propose(Doubt(sure, exclusive, np.ones(15, bool), ("a", "b", "c"), certain=0.95), 10, 0) == []


@SEEDS
def test_a_yes_no_asks_the_more_telling_of_the_two_leading_categories(seed):
    doubt = a_doubt(seed, hard=0.3)
    for proposal in close_calls(doubt, 1000, seed):
        (row,), (column,) = proposal.rows, proposal.columns
        leading = np.sort(doubt.probability[row])[-2:]
        assert proposal.value == pytest.approx(max(bits(leading)), rel=1e-4)
        assert proposal.value == pytest.approx(bits(doubt.probability[row, column]), rel=1e-4)


@EITHER
@SEEDS
def test_the_closest_calls_come_first(exclusive, seed):
    doubt = a_doubt(seed, exclusive=exclusive)
    everything = close_calls(doubt, 10_000, seed)
    values = [proposal.value for proposal in everything]
    assert values == sorted(values, reverse=True)
    assert [proposal.value for proposal in close_calls(doubt, 10, seed)] == values[:10]


@SEEDS
def test_an_exclusive_item_is_a_close_call_or_hard_but_not_both(seed):
    doubt = a_doubt(seed)
    close = {proposal.rows[0] for proposal in close_calls(doubt, 1000, seed)}
    hard = {proposal.rows[0] for proposal in hard_items(doubt, 1000, seed)}
    top = doubt.probability.max(axis=1)
    assert close == set(np.flatnonzero(doubt.askable & (top >= 0.5) & (top < 0.9)))
    assert hard == set(np.flatnonzero(doubt.askable & (top < 0.5)))


@SEEDS
def test_a_shared_item_is_hard_where_most_of_its_cells_are_doubtful(seed):
    doubt = a_doubt(seed, exclusive=False)
    doubtful = (doubt.probability < 0.9) & (doubt.probability > 0.1)
    hard = {proposal.rows[0] for proposal in hard_items(doubt, 1000, seed)}
    close = {cell for proposal in close_calls(doubt, 10_000, seed) for cell in cells(proposal)}
    assert hard == set(np.flatnonzero(doubt.askable & (doubtful.mean(axis=1) >= 0.5)))
    single = doubtful & doubt.askable[:, None] & (doubtful.mean(axis=1) < 0.5)[:, None]
    assert close == set(zip(*np.nonzero(single), strict=True))


@SEEDS
def test_a_row_is_worth_its_entropy_and_the_hardest_comes_first(seed):
    doubt = a_doubt(seed)
    found = hard_items(doubt, 25, seed)
    for proposal in found:
        assert proposal.columns == tuple(range(6))
        assert proposal.value == pytest.approx(entropy(doubt.probability[proposal.rows[0]], base=2), rel=1e-4)
    worth = entropy(doubt.probability[doubt.askable & (doubt.top < 0.5)], base=2, axis=1)
    assert [proposal.value for proposal in found] == pytest.approx(sorted(worth, reverse=True)[:25], rel=1e-4)


def test_a_shared_row_asks_only_cells_that_may_be_asked_and_is_worth_their_sum():
    p = np.array([[0.5, 0.6, 0.4, 0.02]], np.float32)
    doubt = Doubt(p, False, np.array([[True, True, False, True]]), ("a", "b", "c", "d"))
    (proposal,) = hard_items(doubt, 5, 0)
    assert proposal.columns == (0, 1, 3)
    assert proposal.value == pytest.approx(bits(0.5) + bits(0.6) + bits(0.02), rel=1e-5)
    assert proposal.reason == "hard in 2 of 4 categories"


def test_a_choose_one_is_not_asked_without_one_of_its_categories():
    p = np.full((2, 4), 0.25, np.float32)
    askable = np.array([[True, True, True, False], [True] * 4])
    assert [proposal.rows for proposal in hard_items(Doubt(p, True, askable, tuple("abcd")), 5, 0)] == [(1,)]


def test_a_yes_no_passes_over_a_category_that_is_settled():
    p = np.array([[0.6, 0.3, 0.1]], np.float32)
    (proposal,) = close_calls(Doubt(p, True, np.array([[False, True, True]]), tuple("abc")), 5, 0)
    assert proposal.columns == (1,)


@EITHER
@SEEDS
def test_a_grid_holds_two_to_twelve_doubtful_items_of_one_category(exclusive, seed):
    doubt = a_doubt(seed, exclusive=exclusive)
    found = weak_categories(doubt, 1000, seed)
    assert found
    for proposal in found:
        (column,) = proposal.columns
        assert 2 <= len(set(proposal.rows)) == len(proposal.rows) <= 12
        p = doubt.probability[list(proposal.rows), column]
        assert proposal.value == pytest.approx(bits(p).sum(), rel=1e-4)
        assert (p < 0.9).all()
        if exclusive:
            assert (doubt.probability[list(proposal.rows)].argmax(axis=1) == column).all()
        else:
            assert (p > 0.1).all()
    taken = [cell for proposal in found for cell in cells(proposal)]
    assert len(taken) == len(set(taken))


def two_categories_with_doubts(jazz, rock):
    """Four items near `jazz` in jazz, four near `rock` in rock, the rest of each row on a third category."""
    p = np.zeros((8, 3), np.float32)
    p[:4, 0], p[4:, 1] = jazz, rock
    p[:, 2] = 1 - p.sum(axis=1)
    return Doubt(p, True, np.ones(8, bool), ("jazz", "rock", "pop"), grid=2)


def test_the_weakest_category_comes_first_and_shares_the_limit():
    doubt = two_categories_with_doubts(jazz=0.85, rock=0.6)
    assert [proposal.columns[0] for proposal in weak_categories(doubt, 1, 0)] == [1]
    assert Counter(proposal.columns[0] for proposal in weak_categories(doubt, 2, 0)) == {0: 1, 1: 1}
    assert len(weak_categories(doubt, 10, 0)) == 4


def test_the_mean_is_over_items_that_may_be_asked():
    doubt = two_categories_with_doubts(jazz=0.7, rock=0.75)
    p = doubt.probability.copy()
    p[:2] = [0.5, 0.3, 0.2]  # would make jazz the weaker, were it open
    p[2:4] = [0.8, 0.1, 0.1]
    open_ = Doubt(p, True, np.ones(8, bool), doubt.names, grid=2)
    closed = Doubt(p, True, np.arange(8) >= 2, doubt.names, grid=2)
    assert weak_categories(open_, 1, 0)[0].columns == (0,)
    assert {weak_categories(closed, 1, seed)[0].columns for seed in range(20)} == {(1,)}


def test_a_shared_category_is_not_weak_for_two_doubts_among_many_sure_yeses():
    p = np.array([[0.6], [0.6], *([[0.99]] * 40)], np.float32)
    assert weak_categories(Doubt(p, False, np.ones(42, bool), ("a",)), 5, 0) == []
    assert len(weak_categories(Doubt(p[:4], False, np.ones(4, bool), ("a",)), 5, 0)) == 1


def test_a_category_whose_mean_is_certain_is_left_alone():
    p = np.zeros((30, 2), np.float32)
    p[:, 0] = [0.8] * 2 + [0.99] * 28
    p[:, 1] = 1 - p[:, 0]
    assert weak_categories(Doubt(p, True, np.ones(30, bool), ("a", "b")), 5, 0) == []
    assert weak_categories(Doubt(p[:10], True, np.ones(10, bool), ("a", "b")), 5, 0) == []  # mean .952
    assert len(weak_categories(Doubt(p[:3], True, np.ones(3, bool), ("a", "b")), 5, 0)) == 1


def test_a_single_item_makes_no_grid():
    doubt = two_categories_with_doubts(jazz=0.6, rock=0.6)
    askable = np.array([True, False, False, False, True, True, True, False])
    found = weak_categories(Doubt(doubt.probability, True, askable, doubt.names, grid=2), 10, 0)
    assert [proposal.columns for proposal in found] == [(1,)]


def test_items_of_a_grid_agree_in_their_doubt():
    p = np.zeros((8, 3), np.float32)
    p[:, 0] = 0.6
    p[::2, 1], p[1::2, 2] = 0.4, 0.4
    found = weak_categories(Doubt(p, True, np.ones(8, bool), tuple("abc"), grid=4), 9, 0)
    assert sorted(sorted(proposal.rows) for proposal in found) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_reasons_read_as_an_admin_would_say_them():
    p = np.array([[0.05, 0.55, 0.4], [0.4, 0.3, 0.3], [0.02, 0.6, 0.38]], np.float32)
    doubt = Doubt(p, True, np.ones(3, bool), ("4", "jazz", "9"))
    assert close_calls(doubt, 1, 0)[0].reason == "close call between jazz and 9"
    assert hard_items(doubt, 1, 0)[0].reason == "hard in all 3 categories"
    assert weak_categories(doubt, 1, 0)[0].reason == "category 'jazz' is weak in 2 items"


@pytest.mark.parametrize("propose", [hard_items, random_items, margin])
def test_without_a_classifier_rows_are_drawn_at_random(propose):
    doubt = Doubt(np.full((1000, 10), 0.1, np.float32), True, np.ones(1000, bool), tuple("0123456789"))
    rows = np.array([proposal.rows[0] for seed in range(40) for proposal in propose(doubt, 50, seed)])
    assert abs(rows.mean() - 499.5) < 30  # 2,000 draws: standard error 6.5
    assert len(np.unique(rows)) > 800
    assert close_calls(doubt, 50, 0) == []


def test_equals_come_in_random_order():
    doubt = Doubt(np.full((6, 4), 0.25, np.float32), True, np.ones(6, bool), tuple("abcd"))
    firsts = {hard_items(doubt, 10, seed)[0].rows for seed in range(40)}
    assert len(firsts) > 3


def test_without_a_classifier_no_category_is_preferred():
    grids = Doubt(np.full((1000, 4), 0.25, np.float32), True, np.ones(1000, bool), tuple("abcd"))
    assert set(Counter(proposal.columns for proposal in weak_categories(grids, 8, 0)).values()) == {2}
    pairs = Doubt(np.full((1000, 2), 0.5, np.float32), True, np.ones(1000, bool), tuple("ab"))
    asked = Counter(proposal.columns for proposal in close_calls(pairs, 400, 0))
    assert min(asked.values()) > 150


def test_random_items_are_uniform_over_the_askable_whatever_the_classifier_thinks():
    doubt = a_doubt(0, items=20)
    drawn = Counter(proposal.rows[0] for seed in range(2000) for proposal in random_items(doubt, 3, seed))
    expected = 6000 / doubt.askable.sum()
    assert set(drawn) == set(np.flatnonzero(doubt.askable))
    assert all(abs(count - expected) < 5 * np.sqrt(expected) for count in drawn.values())


@SEEDS
def test_margin_asks_the_smallest_gap_between_the_top_two_first(seed):
    doubt = a_doubt(seed)
    two = np.sort(doubt.probability, axis=1)[:, -2:]
    gap = np.where(doubt.askable, two[:, 1] - two[:, 0], np.inf)
    assert [proposal.rows[0] for proposal in margin(doubt, 20, seed)] == list(np.argsort(gap)[:20])


def test_margin_reads_only_cells_that_may_be_asked():
    p = np.array([[0.5, 0.99], [0.6, 0.99]], np.float32)
    doubt = Doubt(p, False, np.array([[False, True], [True, True]]), ("a", "b"))
    assert margin(doubt, 1, 0)[0].rows == (1,)


@pytest.mark.parametrize("propose", PROPOSERS)
@EITHER
@pytest.mark.parametrize("shape", [(0, 3), (4, 1), (1, 3)])
def test_an_empty_or_tiny_project_is_a_defined_outcome(propose, exclusive, shape):
    p = np.full(shape, 1 / shape[1], np.float32)
    for askable in (np.ones(shape[0], bool), np.zeros(shape[0], bool), np.zeros(shape, bool)):
        found = propose(Doubt(p, exclusive, askable, tuple("abc"[: shape[1]])), 5, 0)
        assert found == [] if not askable.any() else len(found) <= shape[0] * shape[1]


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions_propose_nearly_the_same(dtype):
    doubt = a_doubt(2)
    other = Doubt(doubt.probability.astype(dtype), True, doubt.askable, doubt.names)
    assert sum(p.value for p in hard_items(other, 20, 0)) == pytest.approx(
        sum(p.value for p in hard_items(doubt, 20, 0)), rel=0.01
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"probability": np.full((3, 2), np.nan)}, "predict these items anew"),
        ({"probability": np.full((3, 2), 1.5)}, "outside 0 to 1"),
        ({"probability": np.full((3, 4), 0.25)}, r"\(items, 2\)"),
        ({"askable": np.ones(2, bool)}, "askable"),
        ({"askable": np.ones(3)}, "booleans"),
        ({"grid": 1}, "at least 2 items"),
    ],
)
def test_a_malformed_doubt_is_named(change, named):
    good = {"probability": np.full((3, 2), 0.5), "exclusive": True, "askable": np.ones(3, bool), "names": ("a", "b")}
    with pytest.raises(ValueError, match=named):
        Doubt(**{**good, **change})
