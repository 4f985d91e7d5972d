from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from labeling.crowd import rates
from rewards import pricing
from rewards.pricing import FACTORS, FACTS, Factor, Signals, Tariff, explain, information, price, told

FULL = {factor.name: 1.0 for factor in FACTORS}
EXTREMES = [None, 0.0, 0.3, 1.0]


def test_every_factor_reads_a_signal():
    assert tuple(factor.name for factor in FACTORS) == FACTS


def test_the_price_of_a_cell_times_the_cells_is_the_base():
    assert price(Tariff(per_cell=7), Signals(cells=12)) == 84


@pytest.mark.parametrize("cells", [1, 10, 333])
@pytest.mark.parametrize("per_cell", [0, 1, 7, 12345])
def test_neutral_signals_give_exactly_the_base(per_cell, cells):
    tariff = Tariff(per_cell, FULL)
    ordinary = Signals(cells, rating=0.75, training_value=0.5, falling_confidence=0, complexity=0, scarcity=0)
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


def test_an_answer_is_worth_the_answers_it_saves():
    """Answers add up in bits: told tells how many of a newcomer's settle as much. Simulated: answers asked, each of
    this accuracy, until the posterior of one of four categories is .95 (the mean over many items)."""
    random, choices = np.random.default_rng(0), 4

    def needed(accuracy, items=4000):
        logs, asked, open_ = np.zeros((items, choices)), np.zeros(items), np.ones(items, bool)
        step = np.log(accuracy * (choices - 1) / (1 - accuracy))
        while open_.any():
            said = np.where(random.random(items) < accuracy, 0, random.integers(1, choices, items))
            logs[np.flatnonzero(open_), said[open_]] += step
            asked += open_
            posterior = np.exp(logs - logs.max(axis=1, keepdims=True))
            open_ &= posterior.max(axis=1) / posterior.sum(axis=1) < 0.95
        return asked.mean()

    newcomer = needed(0.75)
    for accuracy in (0.55, 0.65):
        assert newcomer / needed(accuracy) == pytest.approx(told(accuracy, choices), rel=0.2)


def test_information_is_nothing_at_chance_and_whole_without_errors():
    for choices in (2, 3, 10):
        assert information(1 / choices, choices) == information(0, choices) == 0
        assert information(1, choices) == pytest.approx(np.log2(choices))
    assert information(0.9) == pytest.approx(0.531, abs=1e-3)
    assert told(0.9) == pytest.approx(2.81, abs=0.01)
    assert told(0.9, 10) == pytest.approx(1.47, abs=0.01)


def test_a_newcomer_is_paid_the_price_as_it_is():
    assert pricing.NEWCOMER == rates.NEWCOMER
    assert price(Tariff(100, FULL), Signals(rating=rates.NEWCOMER, choices=7)) == 100


def test_the_base_may_follow_the_seconds_that_an_answer_takes():
    hourly = Tariff(7, per_hour=900)
    assert price(hourly, Signals(12, seconds=20.0)) == 5
    assert explain(hourly, Signals(12, seconds=20.0)).source == "20.0 s at 900 an hour"
    assert price(hourly, Signals(12)) == 84  # of which nobody knows how long it takes


def test_the_hourly_floor_raises_what_pays_too_little_for_its_work():
    tariff = Tariff(2, hourly_floor=600)
    assert price(tariff, Signals(work=30.0)) == 5
    assert price(tariff, Signals(work=30.1)) == 6  # never a fraction below
    assert explain(tariff, Signals(work=30.0)).clamped == "hourly floor"
    assert explain(tariff, Signals(10, work=30.0)).clamped is None
    assert price(tariff, Signals()) == 2
    assert explain(Tariff(2, floor=7, hourly_floor=600), Signals(work=30.0)).clamped == "floor"


def test_the_ceiling_stands_above_the_hourly_floor():
    told = explain(Tariff(2, ceiling=3, hourly_floor=600), Signals(work=30.0))
    assert (told.price, told.clamped) == (3, "ceiling")


def test_floor_and_ceiling_hold():
    tariff = Tariff(10, FULL, floor=8, ceiling=15)
    assert price(tariff, Signals(rating=0)) == 8  # half of 10, were it not for the floor
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
    told = explain(Tariff(10, FULL, ceiling=15), Signals(2, rating=0.8, scarcity=1))
    assert [row.title for row in told.rows] == [factor.title for factor in FACTORS]
    assert str(told).splitlines() == [
        "2 cells at 10: 20",
        "Worker rating 0.80: x 1.47 = 29.47",
        "Training value unknown: x 1 = 29.47",
        "Falling confidence unknown: x 1 = 29.47",
        "Complexity unknown: x 1 = 29.47",
        "Scarcity 1.00: x 2 = 58.94",
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


@pytest.mark.parametrize("name", ["seconds", "work"])
def test_a_time_is_more_than_nothing(name):
    with pytest.raises(ValueError, match=f"{name} is more than 0"):
        Signals(**{name: 0.0})


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
        ({"per_hour": -1}, "per_hour is a whole number of at least 0, or None"),
        ({"hourly_floor": 0.5}, "hourly_floor is a whole number"),
        ({"strengths": {"charm": 1}}, "there is no factor 'charm'; there are rating"),
        ({"strengths": {"rating": 1.5}}, "the strength of rating lies between 0 and 1"),
        ({"strengths": {"rating": float("nan")}}, "the strength of rating lies between 0 and 1"),
        ({"strengths": {"rating": "much"}}, "the strength of rating lies between 0 and 1"),
    ],
)
def test_a_tariff_that_makes_no_sense_is_refused(facts, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(Tariff(1), **facts)
