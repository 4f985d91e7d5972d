import pytest

from labeling.views.charts import Reading, bar, by_run, floor_of, thinned


def test_the_parts_of_a_bar_fill_it_in_their_proportions():
    parts = bar([("available", 50), ("reserved", 25), ("spent", 25)], width=200)
    assert [(part.x, part.width) for part in parts] == [(0, 100), (100, 50), (150, 50)]


def test_a_bar_of_nothing_has_no_width():
    assert [part.width for part in bar([("available", 0), ("spent", 0)])] == [0, 0]


def test_no_value_makes_no_chart():
    assert by_run({}) is None
    assert by_run({"accuracy": [Reading(1, None)]}) is None


def test_runs_go_from_left_to_right_and_higher_shares_stand_higher():
    chart = by_run({"confidence": [Reading(1, 0.2), Reading(2, 0.6), Reading(5, 0.9)]})
    first, second, last = chart.lines[0].marks
    assert chart.left <= first.x < second.x < last.x <= chart.right
    assert chart.top <= last.y < second.y < first.y <= chart.bottom
    assert last.x - second.x == pytest.approx(3 * (second.x - first.x), abs=0.2), "x is the run's number, not its place"


def test_every_value_stands_where_its_axis_says():
    chart = by_run({"confidence": [Reading(1, 0.25), Reading(2, 0.75)]})
    ticks = {tick.text: tick.at for tick in chart.y}
    low, high = chart.lines[0].marks
    assert (low.y, high.y) == (ticks["25%"], ticks["75%"])
    assert ticks["100%"] == chart.top


def test_an_interval_reaches_below_and_above_its_value():
    chart = by_run({"accuracy": [Reading(1, 0.8, 0.6, 0.9)]})
    (mark,) = chart.lines[0].marks
    assert mark.high < mark.y < mark.low <= chart.bottom
    assert mark.text == "Run 1: accuracy 80.0% (95% interval 60% to 90%)"


def test_a_run_without_a_value_breaks_the_line():
    chart = by_run({"accuracy": [Reading(1, 0.5), Reading(2, None), Reading(3, 0.6), Reading(4, 0.7)]})
    assert chart.lines[0].path.count("M") == 2
    assert chart.lines[0].path.count("L") == 1
    assert len(chart.lines[0].marks) == 3


def test_a_single_run_stands_in_the_middle():
    chart = by_run({"accuracy": [Reading(7, 0.5)]})
    assert chart.lines[0].marks[0].x == pytest.approx((chart.left + chart.right) / 2, abs=0.1)
    assert [tick.text for tick in chart.x] == ["7"]


@pytest.mark.parametrize(("least", "begin"), [(0, 0), (0.24, 0), (0.3, 0.25), (0.6, 0.5), (0.8, 0.75), (1.0, 0.75)])
def test_the_axis_begins_below_the_least_value(least, begin):
    assert floor_of(least)[0] == begin


@pytest.mark.parametrize("least", [0.1, 0.3, 0.6, 0.8, 1.0])
def test_the_axis_always_reaches_a_hundred_percent(least):
    chart = by_run({"accuracy": [Reading(1, least)]})
    assert chart.y[-1].text == "100%"
    assert chart.y[0].at == chart.bottom


def test_labels_of_many_runs_are_thinned_but_the_last_is_kept():
    kept = thinned(range(1, 51))
    assert len(kept) <= 12
    assert kept[-1] == 50
    assert thinned([1, 2, 3]) == [1, 2, 3]
