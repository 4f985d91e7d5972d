"""Before anything is learned: typical items first, one of each kind, nothing twice; and a classifier is seen damped."""

from collections import Counter

import numpy as np
import pytest
from scipy import sparse

from labeling.proposals import Doubt, damped, plan, typical
from labeling.proposals.covering import TYPICAL, cover, likeness


def groups(*sizes, lonely=0):
    """A graph of groups, each a ring in which everybody is also tied to its first; and items tied to nobody."""
    n = sum(sizes) + lonely
    ties, start = np.zeros((n, n), np.float32), 0
    for size in sizes:
        some = np.arange(start, start + size)
        ties[some, np.roll(some, 1)] = ties[np.roll(some, 1), some] = 1
        ties[start, some[1:]] = ties[some[1:], start] = 1
        start += size
    root = 1 / np.sqrt(np.maximum(ties.sum(axis=1), 1))
    return sparse.csr_array(ties * root[:, None] * root[None, :])


def unknown(graph, judged=None, askable=None):
    n = graph.shape[0]
    askable = np.ones(n, bool) if askable is None else askable
    return Doubt(np.full((n, 4), 0.25, np.float32), True, askable, tuple("abcd"), judged=judged, graph=graph)


def asked(doubt, count, seed=0):
    found = plan(doubt, lambda found: [10] * len(found), 10 * count, count, seed, proposers=[typical])
    return [one.rows[0] for one in found]


def test_the_middle_of_each_group_comes_first_and_the_largest_group_before_all():
    graph = groups(30, 20, 10)
    assert asked(unknown(graph), 3) == [0, 30, 50]


def test_no_second_of_a_kind_is_asked_while_there_is_another_kind():
    sizes = [20] * 8
    for seed in range(5):
        first = asked(unknown(groups(*sizes)), 8, seed)
        assert Counter(row // 20 for row in first) == dict.fromkeys(range(8), 1)


def test_what_people_were_asked_already_stands_for_its_group():
    graph, judged = groups(30, 20, 10), np.zeros(60, int)
    judged[0] = 1
    assert asked(unknown(graph, judged), 2) == [30, 50]


def test_nothing_unaskable_is_proposed_and_items_without_neighbours_wait():
    askable = np.arange(64) % 3 > 0
    found = typical(unknown(groups(30, 20, 10, lonely=4), askable=askable), 100, 0)
    assert {one.rows[0] for one in found} == {row for row in range(60) if askable[row]}
    values = [one.value for one in found]
    assert values == sorted(values, reverse=True) and min(values) > 0
    assert {one.reason for one in found} == {TYPICAL}


def test_without_any_neighbours_items_are_drawn_at_random():
    doubt = Doubt(np.full((50, 4), 0.25, np.float32), True, np.ones(50, bool), tuple("abcd"))
    draws = [tuple(asked(doubt, 5, seed)) for seed in range(4)]
    assert len(set(draws)) == 4
    lonely = unknown(groups(lonely=50))
    assert {one.reason for one in typical(lonely, 5, 0)} == {"drawn at random"}


def test_the_lazy_choice_is_the_greedy_choice():
    random = np.random.default_rng(3)
    ties = np.triu(random.random((80, 80)) * (random.random((80, 80)) < 0.1), 1)
    alike = likeness(sparse.csr_array((ties + ties.T).astype(np.float32) / 8))
    dense, covered = alike.toarray(), np.zeros(80)
    found, added = cover(alike, np.zeros(0, int), np.arange(80), 20)
    for item, gain in zip(found, added, strict=True):
        gains = np.maximum(dense - covered, 0).sum(axis=1)
        assert gains[item] == pytest.approx(gain) == pytest.approx(gains.max())
        covered = np.maximum(covered, dense[item])


def test_an_item_stands_wholly_for_itself_and_not_at_all_for_another_group():
    alike = likeness(groups(6, 4)).toarray()
    assert np.diag(alike) == pytest.approx(1)
    assert (alike[:6, :6] > 0).all() and (alike[:6, 6:] == 0).all()
    assert alike.max() <= 1 + 1e-6


SURE, SHY = np.array([[0.9, 0.1, 0.0]]), np.array([[0.4, 0.3, 0.3]])


def test_the_classifier_is_seen_as_far_as_answers_lie_near():
    near = [damped(SURE, SHY, np.array([mass]), True)[0, 0] for mass in (0, 0.5, 1, 5, 1e6)]
    assert near == sorted(near)
    assert near[0] == pytest.approx(0.4 / 0.7) and near[-1] == pytest.approx(0.9, abs=1e-4)


@pytest.mark.parametrize("exclusive", [True, False])
def test_without_any_mass_it_is_seen_halfway_and_what_is_ruled_out_stays_so(exclusive):
    found = damped(SURE, SHY, None, exclusive)
    assert found[0, 2] == 0 and damped(SURE, SHY, np.zeros(1), exclusive)[0, 2] == 0
    yes, no = np.sqrt(0.9 * 0.4), np.sqrt(0.1 * 0.3) if exclusive else np.sqrt(0.1 * 0.6)
    assert found[0, 0] == pytest.approx(yes / (yes + no))
