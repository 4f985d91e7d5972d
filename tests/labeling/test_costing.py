"""What a price list comes to before anybody is asked by it, and what hours of work have earned."""

from copy import copy
from datetime import UTC, datetime, timedelta

import pytest

from labeling import costing, earning, pacing, quoting
from labeling.models import Assignment, Query
from rewards import ledger
from tests.making import a_project, a_query, a_worker

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def bills(project, **changes):
    """(before, after) of these changes, which are not saved."""
    wanted, sample = copy(project), costing.sample(project)
    for name, value in changes.items():
        setattr(wanted, name, value)
    return costing.bill(project, sample), costing.bill(wanted, sample)


def test_the_open_queue_costs_what_its_queries_are_offered_for():
    project = a_project(cell_price=10, agree_count=2, wanted=3)
    a_query(project)
    a_query(project, asked=1)
    a_query(project, "items")
    a_query(project, asked=2)  # as many as must agree: perhaps nobody further
    a_query(project, purpose="gold", state="open")
    a_query(project, state="closed")
    before, after = bills(project, cell_price=15)
    assert [(line.title, line.queries, line.queue) for line in before.lines] == [
        ("Yes or no", 2, 30),
        ("All categories of an item", 0, 0),
        ("Many items of a category", 1, 60),
    ]
    assert (before.overall.queue, after.overall.queue) == (90, 135)


def test_a_round_is_as_many_queries_as_the_queue_holds_like_the_latest():
    project = a_project(cell_price=10, agree_count=2, queue_size=8, funds=1000)
    for kind in ("yes_no", "yes_no", "yes_no", "items"):
        a_query(project, kind, state="closed")
    before, after = bills(project, cell_price=5)
    assert before.overall.round == 8 * 2 * (3 * 10 + 30) / 4
    assert sum(line.round for line in before.lines if line.round) == before.overall.round
    assert (before.overall.answer, before.buys) == (15, 66)
    assert (after.overall.round, after.buys) == (before.overall.round / 2, 133)


def test_before_the_first_query_a_round_is_imagined():
    project = a_project(cell_price=10, grid=6, agree_count=2)
    assert costing.sample(project).imagined
    before, _ = bills(project)
    assert [line.answer for line in before.lines] == [10, 30, 60]
    assert before.overall.queue == 0


def test_free_answers_have_no_number_that_money_buys():
    before, _ = bills(a_project(cell_price=0))
    assert before.buys is None


def test_what_an_hour_would_earn_follows_the_measured_pace():
    project = a_project(cell_price=10)
    a_query(project)
    before, after = bills(project, pace={"yes_no": [2.0, 2.0, 500, 0.75]})
    assert before.lines[0].hourly == round(3600 * 10 / (5 * pacing.MEAN))
    assert after.lines[0].hourly == 3600


def test_the_hourly_floor_says_what_it_raises():
    project = a_project(cell_price=1)
    a_query(project)
    before, after = bills(project, hourly_floor=3600)
    assert (before.overall.raised, after.overall.raised) == (0, 1)
    assert after.overall.answer == 6  # 5 s, on average a fifth more


# --- what was earned --------------------------------------------------------------------------------------------------


def paid(worker, *answers, kind="yes_no", begin=BEGIN):
    """Answers offered, and paid through the ledger: (seconds, reward) each."""
    project, at = worker.project, begin
    for seconds, reward in answers:
        query = a_query(project, kind, state="closed")
        held = ledger.reserve(project.budget, reward)
        ended = at + timedelta(seconds=seconds)
        Assignment.objects.create(
            query=query, worker=worker, state="answered", reward=reward, paid=reward, reservation=held, offered=at,
            finished=ended, expires=ended,
        )  # fmt: skip
        ledger.post(held, worker.user, reward)
        at = ended


def test_an_hour_earns_what_the_ledger_posted_for_the_seconds_measured():
    project = a_project()
    ada, ben = a_worker(project, "ada"), a_worker(project, "ben")
    paid(ada, (10, 4), (10, 6))
    paid(ben, (20, 2))
    paid(ben, (30, 30), kind="items", begin=BEGIN + timedelta(hours=1))
    found = earning.earnings(project)
    assert found.kinds["yes_no"] == earning.Earned(12, 40.0, 3)
    assert found.kinds["yes_no"].hourly == 12 * 3600 / 40
    assert found.kinds["categories"].hourly is None
    assert found.overall == earning.Earned(42, 70.0, 4)
    assert [(worker.user.username, earned.hourly) for worker, earned in found.workers] == [("ada", 1800), ("ben", 2304)]


def test_a_corrected_reward_counts_as_corrected():
    project = a_project()
    ada = a_worker(project)
    paid(ada, (10, 10))
    reward = ada.user.reward_accounts.get().credits.get()
    ledger.correct(reward, 4)
    assert earning.earnings(project).overall.paid == 4
    ledger.correct(reward, 9)
    assert earning.earnings(project).overall.paid == 9


def test_a_pause_is_no_work_and_a_doubted_worker_no_measure():
    project = a_project()
    paid(a_worker(project, "ada"), *[(5, 1)] * 9, (7200, 1))
    paid(a_worker(project, "haste", paused=BEGIN), *[(0.1, 1)] * 9)
    found = earning.earnings(project)
    assert found.kinds["yes_no"] == earning.Earned(10, 9 * 5 + 4 * 5, 10)
    assert {worker.user.username: earned.answers for worker, earned in found.workers} == {"ada": 10, "haste": 9}


def test_unpaid_answers_are_measured_too():
    project = a_project(cell_price=0)
    query, worker = a_query(project), a_worker(project)
    Assignment.objects.create(
        query=query, worker=worker, state="answered", reward=0, paid=0, offered=BEGIN, expires=BEGIN,
        finished=BEGIN + timedelta(seconds=8),
    )  # fmt: skip
    assert earning.earnings(project).overall == earning.Earned(0, 8.0, 1)
    assert earning.earnings(project).overall.hourly == 0


def test_prices_that_are_tried_are_not_saved():
    project = a_project(cell_price=10)
    query = a_query(project)
    bills(project, cell_price=99)
    project.refresh_from_db()
    assert quoting.price(Query.objects.get(pk=query.pk), 0.75) == 10
