import numpy as np
import pytest

from segmentation.exams import delivered


def pool(seed, n=3_000, exam=0.1):
    """Items of which the classifier's confidence is honest, the doubtful ones asked, an exam drawn from all."""
    random = np.random.default_rng(seed)
    sure = random.beta(4, 1.5, n) * 0.6 + 0.4
    right = random.random(n) < sure
    examined = random.random(n) < exam
    agreed = ~examined & (random.random(n) < 1.6 * (1 - sure))
    people = random.random(n) < 0.97
    return sure, right, examined, agreed, people


def estimate(seed):
    sure, right, examined, agreed, people = pool(seed)
    left = ~agreed & ~examined
    found = delivered(sure[examined], right[examined], np.flatnonzero(examined), sure[left], agreed.sum(), 0.03)
    truth = np.where(agreed, people, right)[~examined].mean()
    return found, truth, right[examined].mean()


def test_the_interval_holds_what_is_delivered_about_as_often_as_it_says():
    found = [estimate(seed) for seed in range(200)]
    assert np.mean([one.low <= truth <= one.high for one, truth, _ in found]) >= 0.93
    assert abs(np.mean([one.value - truth for one, truth, _ in found])) < 0.004


def test_the_exam_alone_would_say_less():
    """What is asked about is what the classifier does not know: it is better on the rest."""
    found = [estimate(seed) for seed in range(40)]
    assert np.mean([alone - truth for _, truth, alone in found]) < -0.02


def test_where_people_agreed_on_everything_only_their_mistakes_are_left():
    found = delivered([0.9] * 4, [True] * 4, range(4), [], 100, 0.04)
    assert found[:3] == pytest.approx((0.96, 0.92, 0.98))


def test_nothing_is_said_of_what_no_exam_has_seen():
    assert delivered([], [], [], [0.9], 10, 0.0).value is None


def test_mistakes_of_those_who_examined_widen_the_interval():
    sure, right = np.full(100, 0.9), np.arange(100) % 10 > 0
    plain, wide = (delivered(sure, right, np.arange(100), [0.9] * 50, 50, 0.0, by) for by in (0.0, 0.04))
    assert (plain.value, plain.low - wide.low, wide.high - plain.high) == pytest.approx((wide.value, 0.02, 0.02))


def test_cells_of_one_item_count_as_one():
    sure, right = np.full(120, 0.9), np.arange(120) % 10 > 0
    each = delivered(sure, right, np.arange(120), [0.9] * 50, 0, 0.0)
    together = delivered(sure, right, np.arange(120) // 4, [0.9] * 50, 0, 0.0)
    assert together.value == each.value and together.items == 30
    assert together.high - together.low > 1.7 * (each.high - each.low)
