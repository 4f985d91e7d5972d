import numpy as np
import pytest

from segmentation import forecasts, lessons
from segmentation.forecasts import Course, Errors, Forecaster, Missing, quantiles
from tests.foretelling import a_course


def errors(*values, seen=None, horizon=0.7, noise=0.1):
    count = len(values)
    seen = [True] * count if seen is None else seen
    return Errors(
        np.full(count, horizon), np.full(count, noise), np.array(values, float), np.array(seen), np.ones(count)
    )


# --- what is missing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("course", "sentence"),
    [
        (a_course(runs=0), "there are no runs so far"),
        (a_course(runs=1), "there is 1 run so far"),
        (a_course(runs=3), "there are 3 runs so far"),
        (a_course(items=19), "an exam of 20 items; it has 19"),
        (a_course(grows=1.01), "at about the same spend"),
    ],
)
def test_too_little_is_said_rather_than_guessed(course, sentence):
    with pytest.raises(Missing, match=sentence):
        Forecaster().moneys(course, [0.95])


# --- the fan ---------------------------------------------------------------------------------------------------------


def test_the_fan_rises_with_the_spend_and_opens():
    course = a_course()
    now = course.spent[-1]
    first, middle, last = Forecaster().fan(course, [now, 2 * now, 6 * now])
    assert first.value < middle.value < last.value
    assert last.high - last.low > first.high - first.low
    assert all(span.low < span.value < span.high <= 1 for span in (first, middle, last))


def test_a_course_that_rises_faster_is_foretold_to_get_higher():
    slow, fast = a_course(slope=0.2, level=1.0), a_course(slope=0.8, level=-0.1)
    assert fast.accuracy[-1] == pytest.approx(slow.accuracy[-1], abs=0.03), "as right by now"
    far = 4 * slow.spent[-1]
    assert Forecaster().fan(fast, [far])[0].value > Forecaster().fan(slow, [far])[0].value


def test_a_unit_of_money_has_no_say():
    course = a_course()
    cents = course._replace(spent=course.spent * 100)
    here, there = (Forecaster().fan(one, [3 * one.spent[-1]])[0] for one in (course, cents))
    assert here == pytest.approx(there)
    euros, cents = Forecaster().moneys(course, [0.9])[0], Forecaster().moneys(cents, [0.9])[0]
    assert np.array(cents) == pytest.approx(100 * np.array(euros))


# --- money -----------------------------------------------------------------------------------------------------------


def test_a_higher_goal_takes_more_money():
    course = a_course()
    spans = Forecaster().moneys(course, [0.8, 0.85, 0.9])
    assert spans[0].value < spans[1].value < spans[2].value
    assert all(span.low <= span.value <= span.high for span in spans)


def test_a_goal_that_is_reached_takes_no_more():
    course = a_course()
    assert set(Forecaster().moneys(course, [0.6])[0]) == {course.spent[-1]}


def test_a_goal_beyond_sight_has_no_figure():
    course = a_course(slope=0.05, level=0.0)
    assert Forecaster().moneys(course, [0.99])[0].value == np.inf


# --- errors ----------------------------------------------------------------------------------------------------------


def test_ends_lie_where_past_errors_did():
    found = quantiles(errors(*np.linspace(-1, 1, 101)), 0.7, 0.1, (0.5, 0.1, 0.9))
    assert found == pytest.approx([0, -0.8, 0.8], abs=0.03)


def test_only_errors_at_about_this_horizon_speak():
    near, far = errors(0.1, 0.1, 0.1), errors(2.0, 2.0, 2.0, horizon=2.0)
    both = Errors(*(np.concatenate(pair) for pair in zip(near, far, strict=True)))
    assert quantiles(both, 0.7, 0.1, (0.5, 0.9)) == pytest.approx([0.1, 0.1])
    assert quantiles(both, 2.0, 0.1, (0.5, 0.9)) == pytest.approx([2.0, 2.0])


def test_what_was_not_waited_for_hands_its_weight_on():
    """Kaplan and Meier by hand: of 1, at least 2, 3, 4 half is above 1 + 3/2 of a quarter."""
    found = quantiles(errors(1, 2, 3, 4, seen=[True, False, True, True]), 0.7, 0.1, (0.2, 0.5, 0.9))
    assert found == pytest.approx([1, 3, 4])


def test_a_projects_own_errors_count_for_more_the_more_projects_there_are():
    table = errors(*np.zeros(200))
    own = errors(*np.ones(30))

    def high(projects):
        return quantiles(forecasts.blended(table, [own] * projects), 0.7, 0.1, (0.9,))[0]

    assert high(0) == 0
    assert high(1) == 0, "one project is not enough to widen it"
    assert high(3) == 1


def test_intervals_of_an_installation_that_errs_more_are_wider():
    course, wild = a_course(), errors(*np.linspace(-2, 2, 50))
    spans = [Forecaster(own=[(wild, wild)] * count).moneys(course, [0.85])[0] for count in (0, 20)]
    assert spans[1].high / spans[1].low > 1.5 * spans[0].high / spans[0].low


# --- lessons ---------------------------------------------------------------------------------------------------------


def test_a_table_learns_from_others_how_a_course_goes_on():
    """Where every course goes on as it began, the forecaster learns to say so, with hardly any doubt."""
    random = np.random.default_rng(0)
    courses = [a_course(runs=16, slope=slope, items=100_000) for slope in random.uniform(0.3, 0.9, 40)]
    table = lessons.learn([lessons.lessons(course, course.accuracy, random) for course in courses])
    course = a_course(runs=14, slope=0.5, items=100_000)
    found = Forecaster(table).moneys(course.until(8), [course.accuracy[-1]])[0]
    assert found.value == pytest.approx(course.spent[-1], rel=0.1)
    assert found.high / found.low < 1.5


def test_a_goal_never_reached_teaches_that_it_takes_long():
    flat = Course(100 * 1.3 ** np.arange(12), np.array([0.6, 0.7, 0.75] + [0.78] * 9), np.full(12, 500.0))
    taught = lessons.lessons(flat, flat.accuracy, np.random.default_rng(0))
    assert not taught.goals.seen.any()
    assert (taught.goals.truth > lessons.SHORT).all()


def test_a_course_too_short_teaches_nothing():
    assert lessons.own_errors(a_course(runs=4), forecasts.shipped()) is None


def test_the_shipped_table_is_small_and_of_many_projects():
    table = forecasts.shipped()
    assert len(table.money_errors.error) >= 1000
    assert forecasts.SHIPPED.stat().st_size < 100_000
    assert all(0.02 <= tail < 0.25 for tail in table.tails)


def test_what_is_measured_now_has_wilsons_interval():
    span = forecasts.now(Course(np.array([1.0]), np.array([0.84]), np.array([100.0])))
    assert span == pytest.approx((0.84, 0.787, 0.881), abs=0.002)
