"""Agreement among people, against the textbook and against what the words mean."""

from itertools import combinations

import numpy as np
import pytest

from labeling.crowd.alpha import Table, alpha, pairs

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011): four observers, twelve units, some not judged.
OBSERVERS = """
    1 2 3 3 2 1 4 1 2 . . .
    1 2 3 3 2 2 4 1 2 5 . 3
    . 3 3 3 2 3 4 2 2 5 1 .
    1 2 3 3 2 4 4 1 2 5 1 ."""
COINS = """
    0 1 0 0 0 0 0 0 1 0
    1 1 1 0 0 1 0 0 0 0"""


def a_table(text):
    rows = [line.split() for line in text.strip().splitlines()]
    said = [
        (unit, worker, int(word)) for worker, row in enumerate(rows) for unit, word in enumerate(row) if word != "."
    ]
    unit, worker, value = (np.array(column) for column in zip(*said, strict=True))
    return Table(unit, unit, worker, value, int(value.max()) + 1)


def at_random(seed, units=40, workers=7, values=3, share=0.6, missing=0.4):
    random = np.random.default_rng(seed)
    truth = random.integers(values, size=units)
    said = np.where(
        random.random((units, workers)) < share, truth[:, None], random.integers(values, size=(units, workers))
    )
    unit, worker = np.nonzero(random.random(said.shape) > missing)
    return Table(unit, unit // 2, worker, said[unit, worker], values)


def by_definition(table):
    """Observed and expected disagreement, pair by pair."""
    groups = [table.said[table.unit == unit] for unit in np.unique(table.unit)]
    groups = [group for group in groups if len(group) > 1]
    everything = np.concatenate(groups)
    n = len(everything)
    observed = sum(sum(2 * (a != b) for a, b in combinations(group, 2)) / (len(group) - 1) for group in groups) / n
    expected = sum(2 * (a != b) for a, b in combinations(everything, 2)) / (n * (n - 1))
    return 1 - observed / expected


@pytest.mark.parametrize(("text", "value"), [(OBSERVERS, 0.743), (COINS, 0.095)])
def test_alpha_is_that_of_the_textbook(text, value):
    assert alpha(a_table(text)).value == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize("seed", range(4))
def test_alpha_is_what_its_definition_says(seed):
    table = at_random(seed)
    assert alpha(table).value == pytest.approx(by_definition(table))


@pytest.mark.parametrize("seed", range(4))
def test_alpha_is_that_of_an_independent_implementation(seed):
    crowdkit = pytest.importorskip("crowdkit.metrics.data", reason="crowd-kit is not installed")
    import pandas

    table = at_random(seed)
    theirs = crowdkit.alpha_krippendorff(
        pandas.DataFrame({"task": table.unit, "worker": table.worker, "label": table.said})
    )
    assert alpha(table).value == pytest.approx(theirs)


def test_units_judged_once_say_nothing():
    table = a_table(OBSERVERS)
    once = Table(
        *(np.append(column, extra) for column, extra in zip(table[:4], (99, 99, 0, 1), strict=True)), table.values
    )
    assert alpha(once).value == alpha(table).value and alpha(once).units == 11


def test_where_everybody_always_says_the_same_there_is_no_alpha():
    table = a_table("1 1 1\n1 1 1")
    assert np.isnan(alpha(table).value)


def test_people_who_guess_agree_as_chance_does():
    found = alpha(at_random(0, units=3000, share=0.0))
    assert found.value == pytest.approx(0, abs=0.03) and found.low < 0 < found.high


def test_the_interval_holds_the_value_so_often_as_it_says():
    whole = alpha(at_random(1, units=40_000), draws=2).value
    inside = 0
    for seed in range(100):
        found = alpha(at_random(1000 + seed, units=120), random_state=seed, draws=200)
        inside += found.low <= whole <= found.high
    assert inside >= 86, "95 of 100 are expected; 86 is three standard errors and a few small samples below"


def test_answers_about_one_item_are_drawn_together():
    """Ten copies of each unit under one item are no ten times the evidence."""
    table = at_random(2, units=60)
    copied = Table(
        np.concatenate([table.unit + 1000 * n for n in range(10)]), np.tile(table.unit, 10),
        np.tile(table.worker, 10), np.tile(table.said, 10), table.values,
    )  # fmt: skip
    once, ten = alpha(table._replace(item=table.unit), random_state=0), alpha(copied, random_state=0)
    assert ten.high - ten.low == pytest.approx(once.high - once.low, rel=0.1)


def test_pairs_count_what_two_workers_judged_and_how_often_alike():
    found = pairs(a_table(COINS))
    assert (found.one.tolist(), found.other.tolist()) == ([0], [1])
    assert (found.common.tolist(), found.same.tolist()) == ([10], [6])
    yes = (2 / 10, 4 / 10)
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    assert found.kappa[0] == pytest.approx((0.6 - chance) / (1 - chance))


def test_kappa_is_that_of_scikit_learn():
    from sklearn.metrics import cohen_kappa_score

    table = at_random(3, units=80, workers=5, values=4)
    found = pairs(table)
    assert len(found.one) == 10
    for one, other, common, kappa in zip(found.one, found.other, found.common, found.kappa, strict=True):
        said = [
            dict(zip(table.unit[table.worker == who], table.said[table.worker == who], strict=True))
            for who in (one, other)
        ]
        both = said[0].keys() & said[1].keys()
        assert common == len(both)
        assert kappa == pytest.approx(cohen_kappa_score([said[0][u] for u in both], [said[1][u] for u in both]))
