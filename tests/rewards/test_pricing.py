from dataclasses import fields, replace
from itertools import product

import pytest

from rewards.pricing import FACTORS, Factor, Signals, Tariff, explain, price

FULL = {factor.name: 1.0 for factor in FACTORS}
EXTREMES = [None, 0.0, 0.3, 1.0]


def test_every_factor_reads_a_signal():
    assert {factor.name for factor in FACTORS} == {field.name for field in fields(Signals)} - {"cells"}


def test_the_price_of_a_cell_times_the_cells_is_the_base():
    assert price(Tariff(per_cell=7), Signals(cells=12)) == 84


@pytest.mark.parametrize("cells", [1, 10, 333])
@pytest.mark.parametrize("per_cell", [0, 1, 7, 12345])
def test_neutral_signals_give_exactly_the_base(per_cell, cells):
    tariff = Tariff(per_cell, FULL)
    ordinary = Signals(cells, rating=0.5, training_value=0.5, falling_confidence=0, complexity=0, scarcity=0)
    assert price(tariff, Signals(cells)) == price(tariff, ordinary) == per_cell * cells


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.name)
def test_more_of_a_signal_never_lowers_the_price(factor):
    tariff = Tariff(100, {factor.name: 1})
    prices = [price(tariff, Signals(**{factor.name: step / 20})) for step in range(21)]
    assert prices == sorted(prices) and prices[0] < prices[-1] == 200


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.name)
def test_a_factor_that_is_off_changes_nothing(factor):
    off = Tariff(100, FULL | {factor.name: 0})
    assert price(off, Signals(**{factor.name: 1})) == 100
    assert price(Tariff(100), Signals(**{factor.name: 1})) == 100


def test_half_strength_is_the_root_of_the_factor():
    assert price(Tariff(100, {"scarcity": 0.5}), Signals(scarcity=1)) == 141


def test_a_good_worker_on_a_hard_and_rare_item_is_paid_for_it():
    signals = Signals(1, rating=1, training_value=1, falling_confidence=0.5, complexity=0.5, scarcity=1)
    assert price(Tariff(10, FULL), signals) == 10 * 2 * 2 * 1.5 * 1.5 * 2


def test_floor_and_ceiling_hold():
    tariff = Tariff(10, FULL, floor=8, ceiling=15)
    assert price(tariff, Signals(rating=0)) == 8
    assert price(tariff, Signals(rating=1)) == 15
    assert price(tariff, Signals()) == 10


def test_volunteers_are_paid_nothing():
    assert price(Tariff(0, FULL), Signals(5, rating=1, scarcity=1)) == 0


def test_an_explanation_multiplies_to_its_price():
    for values in product(EXTREMES, repeat=len(FACTORS)):
        signals = Signals(3, *values)
        for tariff in (Tariff(7, FULL, 5, 60), Tariff(7, {"rating": 0.4, "scarcity": 1})):
            told = explain(tariff, signals)
            by_hand = told.base
            for row in told.rows:
                by_hand *= row.multiplier
                assert row.product == by_hand
            assert told.exact == by_hand
            assert told.price == min(max(round(by_hand), tariff.floor), tariff.ceiling) == price(tariff, signals)
            assert (told.clamped is None) == (told.price == round(by_hand))


def test_an_explanation_names_each_factor_its_fact_and_the_bound():
    told = explain(Tariff(10, FULL, ceiling=15), Signals(2, rating=0.75, scarcity=1))
    assert [row.title for row in told.rows] == [factor.title for factor in FACTORS]
    assert str(told).splitlines() == [
        "2 cells at 10: 20",
        "Worker rating 0.75: x 1.41 = 28.28",
        "Training value unknown: x 1 = 28.28",
        "Falling confidence unknown: x 1 = 28.28",
        "Complexity unknown: x 1 = 28.28",
        "Scarcity 1.00: x 2 = 56.57",
        "Reward (ceiling): 15",
    ]


def test_a_price_is_an_integer():
    assert type(price(Tariff(3, FULL), Signals(cells=2, rating=0.123))) is int


def test_a_sixth_factor_is_one_row(monkeypatch):
    night = Factor("night", "Night", lambda signals: 1.5, "Nobody likes to work at night.")
    monkeypatch.setattr("rewards.pricing.FACTORS", (*FACTORS, night))
    assert explain(Tariff(10, {"night": 1}), Signals()).rows[-1].title == "Night"
    assert price(Tariff(10, {"night": 1}), Signals()) == 15


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", FULL)
def test_a_signal_outside_its_range_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=f"{name} lies between 0 and 1"):
        Signals(**{name: bad})


@pytest.mark.parametrize("cells", [-1, 1.5])
def test_a_query_has_whole_cells(cells):
    with pytest.raises(ValueError, match="cells is a whole number"):
        Signals(cells)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"per_cell": -1}, "per_cell is a whole number of at least 0, not -1"),
        ({"per_cell": 1.5}, "per_cell is a whole number"),
        ({"floor": 5, "ceiling": 4}, "the floor, 5, is above the ceiling, 4"),
        ({"floor": -1}, "floor is a whole number of at least 0"),
        ({"strengths": {"charm": 1}}, "there is no factor 'charm'; there are rating"),
        ({"strengths": {"rating": 1.5}}, "the strength of rating lies between 0 and 1"),
        ({"strengths": {"rating": float("nan")}}, "the strength of rating lies between 0 and 1"),
        ({"strengths": {"rating": "much"}}, "the strength of rating lies between 0 and 1"),
    ],
)
def test_a_tariff_that_makes_no_sense_is_refused(facts, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(Tariff(1), **facts)
