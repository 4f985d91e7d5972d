"""How long answers take: the middle of honest ones, pauses left out, shrunk to a law where few were measured."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from labeling import pacing, quoting, selecting
from labeling.models import Assignment, Query, Suspicion
from labeling.pacing import MEAN, PRIOR, Pace
from tests.making import a_project, a_query, a_worker, an_item

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def answered(worker, seconds, kind="yes_no", cells=1, apart=3600, **fields):
    """Answers of this worker that took so long, each offered well after the one before."""
    project = worker.project
    queries = Query.objects.bulk_create(
        Query(project=project, kind=kind, value=1, wanted=9, state="closed", signals={"cells": cells}) for _ in seconds
    )
    offers = [BEGIN + timedelta(seconds=apart * at) for at in range(len(queries))]
    fields = {"state": "answered", "reward": 0, "paid": 0} | fields
    Assignment.objects.bulk_create(
        Assignment(
            query=query, worker=worker, offered=offer, expires=offer + timedelta(hours=9),
            finished=offer + timedelta(seconds=float(took)), **fields,
        )
        for query, offer, took in zip(queries, offers, seconds, strict=True)
    )  # fmt: skip


def measured(project, kind="yes_no"):
    pacing.measure(project, quoting.median_ratings(project))
    project.refresh_from_db()
    return pacing.pace_of(project, kind)


def test_before_anything_is_measured_the_law_stands():
    assert measured(a_project()) == Pace(1.0, pytest.approx(MEAN, abs=1e-3), 0)
    assert pacing.law("yes_no", 1) == 5
    assert pacing.law("categories", 10) == 7
    assert pacing.law("items", 12) == 15


def test_many_answers_outweigh_the_law_and_few_do_not():
    project = a_project()
    answered(a_worker(project), [20.0] * PRIOR)
    assert measured(project).usual == pytest.approx(2, abs=1e-3)  # halfway, in ratios, to four times the law
    for _ in range(9):
        answered(a_worker(project), [20.0] * 100)
    found = measured(project)
    assert found.usual == pytest.approx(4, rel=0.05)
    assert found.answers == 20 + 900


def test_lognormal_times_are_found_again():
    project, random = a_project(), np.random.default_rng(0)
    for _ in range(10):
        answered(a_worker(project), 12 * np.exp(0.6 * random.standard_normal(100)))
    found = measured(project)
    assert 5 * found.usual == pytest.approx(12, rel=0.07)
    assert 5 * found.work == pytest.approx(12 * MEAN, rel=0.07)


def test_larger_grids_are_measured_by_what_they_show():
    project = a_project()
    for cells in (6, 12, 24):
        answered(a_worker(project), [2 * pacing.law("items", cells)] * 100, "items", cells)
    assert measured(project, "items").usual == pytest.approx(2, rel=0.05)


def test_a_pause_is_no_work():
    project = a_project()
    answered(a_worker(project), [5.0] * 95 + [3000.0] * 5)
    found = measured(project)
    assert found.usual == pytest.approx(1, abs=0.01)
    assert found.work < 1.3  # each pause counts as four usual answers at most: 1.15, shrunk a little to the law's mean


def test_what_waits_behind_another_answer_is_not_counted_twice():
    """A page that loads ahead holds the next query while the one before is answered."""
    project = a_project(ahead=2)
    worker = a_worker(project)
    answered(worker, [5.0 * (at + 1) for at in range(100)], apart=0)
    assert measured(project).usual == pytest.approx(1, abs=0.01)


def test_neither_who_is_doubted_nor_the_test_sets_the_pace():
    project = a_project()
    answered(a_worker(project), [10.0] * 100)
    honest = measured(project)
    answered(a_worker(project, set_aside=True), [0.5] * 100)
    answered(a_worker(project, paused=BEGIN), [0.5] * 100)
    fast = a_worker(project)
    Suspicion.objects.create(worker=fast, reason=Suspicion.Reason.FAST, odds=2.0, raised=BEGIN)
    answered(fast, [0.5] * 100)
    answered(a_worker(project), [99.0] * 100, test=True)
    assert measured(project) == honest


def test_one_busy_worker_does_not_set_the_pace_alone():
    project = a_project()
    answered(a_worker(project), [50.0] * 900)
    for _ in range(3):
        answered(a_worker(project), [5.0] * 50)
    assert measured(project).usual == pytest.approx(1, rel=0.01)


def test_a_refill_measures_and_the_next_offers_are_paid_by_it():
    project = a_project(items=4, price_by="time", hourly_rate=3600)
    query = a_query(project, value=1.0)
    worker = a_worker(project)
    assert quoting.quote(query, worker) == 5
    for _ in range(9):
        answered(a_worker(project), [20.0] * 100)
    selecting.refill(project)
    query.project.refresh_from_db()
    assert quoting.quote(query, worker) == 19  # near 20: the law still weighs as much as 20 answers


def test_a_kind_that_pays_too_little_for_its_time_is_raised():
    project = a_project(cell_price=1, hourly_floor=720)
    query, worker = a_query(project), a_worker(project)
    assert quoting.explain(query).clamped == "hourly floor"
    assert quoting.quote(query, worker) == 2  # 5 s, a fifth more on average, at .2 a second
    for _ in range(9):
        answered(a_worker(project), [30.0] * 100)
    pacing.measure(project, quoting.median_ratings(project))
    query.project = project
    assert quoting.quote(query, worker) == 6
    wide = a_query(project, "categories", [an_item(project)], signals={"cells": 30})
    assert quoting.explain(wide).clamped is None  # pays 30 for 15 s
