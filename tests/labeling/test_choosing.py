"""The choice among proposals: within money and room, no cell twice, in the order each rule is named for."""

from collections import Counter

import numpy as np
import pytest

from labeling.proposals import (
    Proposal,
    by_worth,
    cheapest_first,
    dearest_first,
    fullest,
    in_turns,
    lowest_first,
)
from tests.doubting import EITHER, SEEDS, cells, offered

RULES = pytest.mark.parametrize(
    "choose", [by_worth, in_turns, lowest_first, cheapest_first, dearest_first, fullest], ids=lambda rule: rule.__name__
)


@RULES
@EITHER
@SEEDS
def test_a_round_keeps_its_limits_and_never_asks_a_cell_twice(choose, exclusive, seed):
    random = np.random.default_rng(seed)
    offers = offered(seed, exclusive=exclusive)
    prices = random.integers(0, 30, len(offers)).tolist()
    for money, limit in ((0, 50), (100, 50), (10_000, 7), (10_000, 1000)):
        chosen = choose(offers, prices, money, limit)
        assert len(chosen) == len(set(chosen)) <= limit
        assert sum(prices[index] for index in chosen) <= money
        asked = [cell for index in chosen for cell in cells(offers[index])]
        assert len(asked) == len(set(asked))
        rows = [row for index in chosen for row in offers[index].rows]
        assert not exclusive or len(rows) == len(set(rows))


@RULES
@EITHER
@SEEDS
def test_what_is_left_out_was_too_dear_or_already_asked(choose, exclusive, seed):
    offers = offered(seed, exclusive=exclusive)
    prices = np.random.default_rng(seed).integers(1, 30, len(offers)).tolist()
    chosen = choose(offers, prices, 300, 10_000)
    left = 300 - sum(prices[index] for index in chosen)
    claimed = set().union(*(offers[index].claims() for index in chosen))
    for index in set(range(len(offers))) - set(chosen):
        assert prices[index] > left or claimed & offers[index].claims()


def cell(row, value, kind="yes_no"):
    return Proposal(kind, (row,), (0,), value, "a reason")


def test_one_kind_alone_is_chosen_by_value_per_price():
    offers = [cell(0, 0.9), cell(1, 1.0), cell(2, 0.2), cell(3, 0.8)]
    assert in_turns(offers, [3, 5, 1, 2], money=100, limit=3) == [3, 0, 1]


def test_a_free_offer_comes_before_any_paid_one():
    assert in_turns([cell(0, 1.0), cell(1, 0.1), cell(2, 0.3)], [1, 0, 0], money=0, limit=9) == [2, 1]


def test_what_cannot_be_afforded_does_not_block_what_can():
    assert in_turns([cell(0, 9.0), cell(1, 0.1)], [50, 2], money=10, limit=9) == [1]


def test_kinds_take_turns_so_that_none_is_starved_by_its_price():
    cheap = [cell(row, 1.0) for row in range(10)]
    dear = [cell(row, 2.0, "categories") for row in range(10, 20)]
    offers = cheap + dear
    chosen = in_turns(offers, [1] * 10 + [10] * 10, money=1000, limit=6)
    assert [offers[index].kind for index in chosen] == ["yes_no", "categories"] * 3


def test_a_kind_with_nothing_left_leaves_its_turns_to_the_others():
    offers = [cell(0, 1.0), *(cell(row, 2.0, "categories") for row in range(1, 8))]
    kinds = Counter(offers[index].kind for index in in_turns(offers, [1] * 8, money=100, limit=6))
    assert kinds == {"yes_no": 1, "categories": 5}


@EITHER
@SEEDS
def test_a_worker_meets_all_three_kinds_while_each_has_something_to_say(exclusive, seed):
    offers = offered(seed, exclusive=exclusive)
    prices = [len(cells(offer)) for offer in offers]
    kinds = Counter(offers[index].kind for index in in_turns(offers, prices, 1000, 15))
    assert set(kinds) == {"yes_no", "categories", "items"}
    assert min(kinds.values()) >= 3


def test_an_exclusive_item_is_asked_once_a_round_and_a_shared_one_once_a_cell():
    exclusive = [Proposal("yes_no", (0,), (column,), 1.0, "", claims_rows=True) for column in range(3)]
    shared = [Proposal("yes_no", (0,), (column,), 1.0, "") for column in (0, 1, 1)]
    assert len(in_turns(exclusive, [1, 1, 1], 10, 10)) == 1
    assert len(in_turns(shared, [1, 1, 1], 10, 10)) == 2


@RULES
def test_nothing_offered_chooses_nothing(choose):
    assert choose([], [], 100, 10) == []


@RULES
@pytest.mark.parametrize("prices", [[], [1, 2], [-1]])
def test_a_proposal_without_a_price_is_refused(choose, prices):
    with pytest.raises(ValueError, match="prices for 1 proposals"):
        choose([cell(0, 1.0)], prices, 10, 10)


def test_all_kinds_compete_by_value_per_price():
    offers = [cell(0, 0.4), cell(1, 1.5, "categories"), cell(2, 0.9, "items"), cell(3, 0.1)]
    assert by_worth(offers, [10, 30, 50, 10], money=1000, limit=9) == [1, 0, 2, 3]


def some(count, first, value, resolves):
    return [Proposal("categories", (row,), (0,), value, "", True, resolves) for row in range(first, first + count)]


def test_open_items_get_their_share_of_the_money_however_much_new_ones_are_worth():
    offers = some(100, 0, 9.0, False) + some(100, 100, 0.1, True)
    chosen = by_worth(offers, [10] * 200, money=500, limit=1000)
    assert sum(offers[at].resolves for at in chosen) == pytest.approx(0.3 * 50, abs=1)


@pytest.mark.parametrize("resolves", [True, False])
def test_what_one_side_cannot_use_the_other_gets(resolves):
    offers = some(3, 0, 1.0, resolves) + some(100, 100, 1.0, not resolves)
    chosen = by_worth(offers, [10] * 103, money=500, limit=1000)
    assert len(chosen) == 50 and {0, 1, 2} <= set(chosen)


def test_the_lowest_confidence_comes_first_whatever_it_costs():
    grid = Proposal("items", (5, 6, 7), (0,), 2.4, "")
    offers = [cell(0, 0.9), grid, cell(1, 2.0, "categories")]
    assert lowest_first(offers, [1, 1, 50], money=100, limit=9) == [2, 0, 1]


def test_the_cheapest_comes_first_and_of_equal_prices_the_one_worth_most():
    offers = [cell(0, 9.0), cell(1, 0.1), cell(2, 0.5), cell(3, 5.0)]
    assert cheapest_first(offers, [50, 10, 10, 20], money=100, limit=3) == [2, 1, 3]


def test_a_dear_one_comes_first_only_if_it_is_worth_more():
    offers = [cell(0, 1.0), cell(1, 3.0, "categories"), cell(2, 0.9, "items")]
    assert dearest_first(offers, [10, 30, 50], money=60, limit=9) == [1, 0]


def test_the_fullest_choice_leaves_least_of_the_money():
    offers = [cell(row, 1.0) for row in range(6)]
    prices = [30, 30, 50, 20, 7, 3]
    chosen = fullest(offers, prices, money=100, limit=3)
    assert sum(prices[at] for at in chosen) == 100
    assert sum(prices[at] for at in cheapest_first(offers, prices, money=100, limit=3)) < 100
