"""The planner: what an answer tells decides, of the item, of its neighbours, by people as they are measured."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from labeling.proposals import Doubt, cells, gains, grids, margin, plan, random_items, rows
from tests.doubting import EITHER, SEEDS, a_doubt
from tests.doubting import cells as cells_of

PROPOSERS = cells, rows, grids
TARIFF = {"yes_no": 10, "categories": 30, "items": 50}
SURE = np.array([[0.97, 0.03], [0.1, 0.9]])  # people who seldom accept what is wrong
MISLED = np.array([[0.7, 0.3], [0.1, 0.9]])
PEOPLE = {"reliable": {"yes_no": SURE, "items": SURE}, "misled": {"yes_no": MISLED, "items": MISLED}}


def tariff(proposals):
    return [TARIFF[one.kind] for one in proposals]


def a_plan(doubt, money=3000, limit=1000, seed=0, **options):
    return plan(doubt, tariff, money, limit, seed, **options)


def half_judged(seed, people="reliable", **settings):
    doubt = a_doubt(seed, **settings)
    return replace(doubt, judged=np.arange(len(doubt.probability)) % 2, rates=PEOPLE[people])


def neighbours(*groups):
    """A graph in which each group of items is tied to itself."""
    n = sum(groups)
    ties = np.zeros((n, n), np.float32)
    start = 0
    for size in groups:
        ties[start : start + size, start : start + size] = 1 / max(size - 1, 1)
        start += size
    np.fill_diagonal(ties, 0)
    return sparse.csr_array(ties)


@pytest.mark.parametrize("propose", PROPOSERS)
@pytest.mark.parametrize("by_cell", [True, False])
@EITHER
@SEEDS
def test_nothing_unaskable_is_proposed_and_what_is_proposed_is_worth_something(propose, by_cell, exclusive, seed):
    doubt = half_judged(seed, exclusive=exclusive, by_cell=by_cell)
    found = propose(doubt, 20, seed)
    assert found
    for proposal in found:
        assert all(doubt.cells[cell] for cell in cells_of(proposal))
        assert proposal.value > 0 and proposal.reason
        assert proposal.claims_rows == exclusive
        assert {doubt.judged[row] > 0 for row in proposal.rows} == {proposal.resolves}


@pytest.mark.parametrize("propose", PROPOSERS)
@pytest.mark.parametrize("shape", [(0, 3), (4, 1), (1, 3)])
@EITHER
def test_an_empty_or_tiny_project_is_a_defined_outcome(propose, exclusive, shape):
    p = np.full(shape, 1 / shape[1], np.float32)
    for askable in (np.ones(shape[0], bool), np.zeros(shape[0], bool), np.zeros(shape, bool)):
        doubt = Doubt(p, exclusive, askable, tuple("abc"[: shape[1]]), rates=PEOPLE["reliable"])
        found = propose(doubt, 5, 0)
        assert found == [] if not askable.any() else len(found) <= shape[0] * shape[1]


@EITHER
@SEEDS
def test_a_plan_keeps_its_limits_and_asks_no_cell_twice(exclusive, seed):
    doubt = half_judged(seed, exclusive=exclusive)
    for money, limit in ((0, 50), (100, 50), (10_000, 7), (3000, 1000)):
        found = a_plan(doubt, money, limit, seed)
        assert len(found) <= limit and sum(tariff(found)) <= money
        assert len(found) > 3 or not money or money == 100
        asked = [cell for proposal in found for cell in cells_of(proposal)]
        assert len(asked) == len(set(asked))
        items = [row for proposal in found for row in proposal.rows]
        assert not exclusive or len(items) == len(set(items))


def test_the_same_seed_plans_the_same_and_another_does_not():
    doubt = half_judged(1)
    assert a_plan(doubt, 500, seed=7) == a_plan(doubt, 500, seed=7) != a_plan(doubt, 500, seed=8)


def test_nothing_is_asked_where_we_are_certain():
    sure = np.tile(np.eye(3, dtype=np.float32) * 0.94 + 0.02, (5, 1))
    doubt = Doubt(sure, True, np.ones(15, bool), ("a", "b", "c"), judged=np.arange(15) % 2, rates=PEOPLE["reliable"])
    assert a_plan(doubt) == []
    assert a_plan(replace(doubt, certain=0.97))


@SEEDS
def test_people_who_accept_look_alikes_are_shown_all_categories_of_a_new_item(seed):
    for proposal in a_plan(half_judged(seed, "misled"), 10**6):
        assert proposal.kind == "categories" or proposal.resolves
    reliable = a_plan(half_judged(seed, "reliable"))
    assert any(proposal.kind != "categories" and not proposal.resolves for proposal in reliable)


def test_until_people_are_measured_all_kinds_compete_for_new_items():
    doubt = replace(half_judged(0), rates={}, judged=None)
    assert all(propose(doubt, 20, 0) for propose in PROPOSERS)


def two_left(top, judged, people):
    """Forty items, each left between two categories."""
    p = np.zeros((40, 10), np.float32)
    p[:, 4], p[:, 9] = top, 1 - top
    return Doubt(p, True, np.ones(40, bool), tuple("0123456789"), judged=np.full(40, judged), rates=people)


def test_an_open_close_call_is_settled_by_a_yes_or_no_where_people_are_reliable_and_by_a_choice_where_not():
    deaf = {"yes_no": np.array([[0.55, 0.45], [0.45, 0.55]])} | {"items": np.full((2, 2), 0.5)}
    assert {one.kind for one in a_plan(two_left(0.6, 1, PEOPLE["reliable"]), 210)} <= {"yes_no", "items"}
    assert {one.kind for one in a_plan(two_left(0.6, 1, deaf), 210)} == {"categories"}


def test_what_was_answered_often_gives_way_to_what_was_answered_once():
    doubt = two_left(0.6, 1, PEOPLE["reliable"])
    doubt.judged[:20] = 6
    asked = {row for one in a_plan(doubt, 100, proposers=[cells]) for row in one.rows}
    assert asked <= set(range(20, 40)) and asked


def test_of_new_items_those_among_many_unsure_ones_are_asked_rather_than_lonely_ones():
    p = np.full((60, 4), 0.25, np.float32)
    p[:10] = [0.94, 0.02, 0.02, 0.02]  # all that surrounds the next ten is known
    tied, alone = range(20, 60), range(10, 20)
    doubt = Doubt(p, True, np.ones(60, bool), tuple("abcd"), certain=0.9, graph=neighbours(10, *[1] * 10, 40))
    asked = Counter(row for seed in range(60) for one in a_plan(doubt, 300, seed=seed) for row in one.rows)
    assert np.mean([asked[row] for row in tied]) > 2 * np.mean([asked[row] for row in alone])
    values = {one.rows[0]: one.value for one in rows(doubt, 60, 0)}
    assert values[20] == pytest.approx(4 * values[10], rel=1e-4)  # itself, and three steps of wholly unsure neighbours


def test_of_open_items_those_that_many_unsure_ones_are_like_are_settled_first():
    p = np.full((60, 4), 0.25, np.float32)
    p[:10] = [0.94, 0.02, 0.02, 0.02]
    judged = np.zeros(60, int)
    judged[[10, 20]] = (
        1  # the first among known ones, the other among unsure ones: a slip there misleads about them all
    )
    doubt = Doubt(p, True, np.ones(60, bool), tuple("abcd"), judged=judged, graph=neighbours(11, 49))
    first = next(one for one in sorted(rows(doubt, 60, 0), key=lambda one: -one.value) if one.resolves)
    assert first.rows == (20,)


def test_what_people_settled_around_an_item_makes_it_worth_less():
    p = np.full((30, 4), 0.25, np.float32)
    graph = neighbours(30)
    before = rows(Doubt(p, True, np.ones(30, bool), tuple("abcd"), graph=graph), 30, 0)[0].value
    p = p.copy()
    p[:25] = [0.97, 0.01, 0.01, 0.01]
    after = rows(Doubt(p, True, np.ones(30, bool), tuple("abcd"), graph=graph), 30, 0)[0].value
    assert after < 0.6 * before


def test_a_batch_is_spread_over_the_groups_of_look_alikes():
    """Of ten groups, all in doubt and one a little more, the best alone would come from that one; the draw does not."""
    p = np.full((200, 3), 1 / 3, np.float32)
    p[20:] = [0.36, 0.32, 0.32]
    doubt = Doubt(p, True, np.ones(200, bool), tuple("abc"), graph=neighbours(*[20] * 10))
    best = sorted(rows(doubt, 200, 0), key=lambda one: -one.value)[:20]
    assert {one.rows[0] // 20 for one in best} == {0}
    for seed in range(5):
        groups = Counter(one.rows[0] // 20 for one in a_plan(doubt, 600, seed=seed))
        assert len(groups) >= 7 and max(groups.values()) <= 8


def test_a_cluster_that_was_mislabeled_is_asked_about_again_while_the_posterior_is_in_doubt():
    """A classifier that is sure and wrong of a group hides it; a posterior damped by what is known near it does not."""
    sure, damped = np.full((60, 3), 0.02, np.float32), np.full((60, 3), 0.02, np.float32)
    sure[:, 0] = damped[:, 0] = 0.96
    damped[:30] = [0.5, 0.25, 0.25]
    mass = np.repeat([0.2, 40.0], 30)
    names = ("4", "7", "9")
    assert a_plan(Doubt(sure, True, np.ones(60, bool), names, mass=mass)) == []
    found = a_plan(Doubt(damped, True, np.ones(60, bool), names, mass=mass, rates=PEOPLE["misled"]))
    assert {row for one in found for row in one.rows} == set(range(30))
    assert {one.reason for one in found} == {"unlike anything asked so far"}


@EITHER
@SEEDS
def test_a_round_stops_where_nothing_is_worth_its_price(exclusive, seed):
    doubt = half_judged(seed, exclusive=exclusive)
    bits = gains.whole(6, exclusive)
    everything = a_plan(doubt, 10**6)
    for worth in (1, 5, 25):
        found = a_plan(doubt, 10**6, worth=worth)
        assert all(worth * one.value > TARIFF[one.kind] * bits for one in found)
        assert len(found) < len(everything)
    assert a_plan(doubt, 10**6, worth=0) == []
    assert a_plan(doubt, 10**6, worth=10**9) == everything


def test_more_is_asked_the_more_an_item_is_worth():
    doubt = half_judged(3)
    counts = [len(a_plan(doubt, 10**6, worth=worth)) for worth in (2, 8, 32, 128)]
    assert counts == sorted(counts) and counts[0] < counts[-1]


def test_other_policies_stop_at_the_same_price():
    doubt = half_judged(3)
    for propose in (random_items, margin):
        assert a_plan(doubt, worth=10**9, proposers=[propose])
        assert a_plan(doubt, worth=1, proposers=[propose]) == []


def test_reasons_say_what_is_open():
    p = np.array([[0.5, 0.45, 0.05], [0.4, 0.3, 0.3], [0.5, 0.45, 0.05]], np.float32)
    mass = np.array([9.0, 9.0, 0.1])
    doubt = Doubt(p, True, np.ones(3, bool), ("4", "9", "jazz"), mass=mass, rates=PEOPLE["reliable"])
    assert {one.rows[0]: one.reason for one in rows(doubt, 5, 0)} == {
        0: "close call between 4 and 9", 1: "hard in all 3 categories", 2: "unlike anything asked so far",
    }  # fmt: skip
    assert {one.reason for one in cells(doubt, 5, 0)} == {"close call between 4 and 9"}
    assert [one.reason for one in grids(doubt, 5, 0)] == ["category '4' is weak in 3 items"]


def test_items_of_a_grid_agree_in_their_doubt():
    p = np.zeros((8, 3), np.float32)
    p[:, 0] = 0.6
    p[::2, 1], p[1::2, 2] = 0.4, 0.4
    found = grids(Doubt(p, True, np.ones(8, bool), tuple("abc"), grid=4, rates=PEOPLE["reliable"]), 9, 0)
    assert sorted(sorted(proposal.rows) for proposal in found) == [[0, 2, 4, 6], [1, 3, 5, 7]]


@pytest.mark.parametrize("name", ["judged", "mass", "graph"])
def test_what_speaks_of_other_items_is_refused(name):
    part = sparse.csr_array((5, 5)) if name == "graph" else np.zeros(5)
    with pytest.raises(ValueError, match=f"{name} speaks of 5 items and probability of 3"):
        Doubt(np.full((3, 2), 0.5), True, np.ones(3, bool), ("a", "b"), **{name: part})
