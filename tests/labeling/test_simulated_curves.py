"""Accuracy against spend: bands over seeds, money to a level, paired ratios."""

import json

import numpy as np
import pytest

from labeling.simulating import curves
from labeling.simulating.comparing import Comparison, comparison
from labeling.simulating.scenes import Unplayable
from labeling.views.spending import drawn, round_numbers, spread


def a_curve(half, most=1000, points=60):
    """Accuracy 1 - 0.9 exp(-spend log 2 / half)."""
    spends = np.geomspace(1, most, points)
    return [[float(at), float(1 - 0.9 * 2 ** (-at / half)), None, at] for at in spends]


def test_money_to_a_level_is_where_the_curve_crosses_it():
    assert curves.money_to(a_curve(100), 0.55) == pytest.approx(100, rel=0.01)
    assert curves.money_to(a_curve(100), 0.9999) is None


def test_a_level_once_reached_counts_although_it_is_lost_again():
    assert curves.money_to([[1, 0.5, None], [2, 0.9, None], [4, 0.7, None]], 0.8) == pytest.approx(2**0.75, rel=1e-6)


def test_after_its_last_point_a_policy_stays_as_right_as_it_was():
    found = curves.at([[0, 0.1, None], [10, 0.6, None]], np.array([0, 5, 10, 1000]))
    assert found.tolist() == pytest.approx([0.1, 0.35, 0.6, 0.6])


def test_the_ratio_is_of_the_same_seeds_with_an_interval_over_them():
    ours = {seed: a_curve(100 * wild) for seed, wild in enumerate((1, 2, 4))}
    theirs = {seed: a_curve(300 * wild * slip) for seed, (wild, slip) in enumerate(((1, 1.1), (2, 1), (4, 0.9)))}
    found = curves.ratio(ours, theirs, 0.4)
    assert found.value == pytest.approx(1 / 3, rel=0.02) and found.low < 1 / 3 < found.high
    assert found.high / found.low < 1.8  # people differ by a factor of four, the pairs hardly
    assert found.pairs == 3


def test_who_never_gets_there_is_counted_and_not_averaged():
    found = curves.ratio({0: a_curve(100), 1: a_curve(1e6)}, {0: a_curve(200), 1: a_curve(200)}, 0.9)
    assert (found.pairs, found.never, found.alone, found.low) == (1, 1, 0, None)
    assert found.value == pytest.approx(0.5, rel=0.02)
    assert curves.need({0: a_curve(100), 1: a_curve(1e6)}, 0.9).reached == 1


def test_the_band_reaches_from_the_lowest_to_the_highest_of_the_seeds():
    plays = {seed: [[0, level, None], [1, level, None]] for seed, level in enumerate((0.4, 0.9, 0.5))}
    found = curves.band(plays, np.array([0.5]))
    assert (found.low[0], found.mean[0], found.high[0]) == pytest.approx((0.4, 0.6, 0.9))


def test_levels_are_those_that_all_reach_and_the_highest_that_any_does():
    found = curves.levels({"quick": {0: a_curve(100)}, "slow": {0: a_curve(400)}})
    assert a_curve(400)[-1][1] == pytest.approx(0.841, abs=0.001)  # the slow one ends there
    assert found == [0.75, 0.8, 0.99]


def heard(policies, seeds=2):
    found = comparison(list(policies), seeds)
    for name, half in policies.items():
        for seed in range(seeds):
            for spend, accuracy, _, _ in a_curve(half * (1 + 0.1 * seed)):
                point = {"spend": spend, "accuracy": accuracy, "accuracy_test": accuracy, "seconds": 7200}
                found.hear({"policy": name, "seed": seed, "point": point})
            found.hear({"policy": name, "seed": seed, "played": True})
    return found


def test_a_comparison_holds_the_others_against_the_first():
    found = heard({"own": 200, "random": 400})
    own, other = found.rows([0.6])
    assert own.needs[0][1].value == pytest.approx(1.0)
    assert other.needs[0][1].value == pytest.approx(2.0, rel=0.02)
    assert (other.seeds, other.hours) == (2, 2.0) and found.progress(1000) == 1.0


def test_plays_that_are_not_over_are_left_out():
    found = heard({"own": 200})
    found.hear(
        {"policy": "random", "seed": 0, "point": dict.fromkeys(("spend", "accuracy", "accuracy_test", "seconds"), 0)}
    )
    found.names = ["own", "random"]
    assert [row.name for row in found.rows([])] == ["own"]
    found.curves["random"]["0"][-1][0] = 500
    assert found.progress(1000) == pytest.approx((2 + 0.5) / 4)  # halfway to its budget


def test_what_is_heard_survives_as_json():
    found = heard({"own": 200, "random": 400})
    again = Comparison(
        found.names, found.seeds, **json.loads(json.dumps({"curves": found.curves, "played": found.played}))
    )
    assert again.rows([0.6]) == found.rows([0.6])


@pytest.mark.parametrize("names", [["nothing"], ["own", "own"], ["own:wanted"], ["own:slug=x"], []])
def test_a_policy_that_is_none_is_refused_with_a_sentence(names):
    with pytest.raises(Unplayable):
        comparison(names, 1)


def test_the_picture_has_a_line_and_a_letter_for_each():
    chart = drawn(heard({"own": 200, "random": 400}))
    assert [line.letter for line in chart.lines] == ["A", "B"]
    assert chart.lines[0].title == "As the project is set" and all(line.band for line in chart.lines)
    assert abs(chart.lines[0].y - chart.lines[1].y) >= 20
    assert drawn(comparison(["own"], 1)) is None


def test_a_policy_that_never_had_a_classifier_has_no_line_among_the_unseen_and_keeps_its_letter():
    found = heard({"own": 200, "random": 400})
    for curve in found.curves["own"].values():
        for point in curve:
            point[2] = None
    assert [line.letter for line in drawn(found, curves.UNSEEN).lines] == ["B"]
    for curve in found.curves["random"].values():
        for point in curve:
            point[2] = None
    assert drawn(found, curves.UNSEEN) is None


def test_letters_keep_their_order_and_do_not_touch():
    found = spread([100, 102, 101, 300], 12, 306)
    assert found == [100, 140, 120, 300]
    assert spread([300, 303, 304], 12, 306) == [266, 286, 306]


@pytest.mark.parametrize("most", [7, 99, 1000, 24_000, 123_456_789])
def test_an_axis_has_a_few_round_numbers(most):
    found = round_numbers(most)
    assert 4 <= len(found) <= 9 and found[0] == 0 and found[-1] <= most
