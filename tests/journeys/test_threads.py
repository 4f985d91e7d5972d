"""Sixteen people work at once: on SQLite's file and, where DATABASE_URL names one, on PostgreSQL."""

import random
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.db.models import F

from labeling import (
    agreeing,
    answering,
    asking,
    attempts,
    consensus,
    leaving,
    opening,
    rating,
    renewing,
    selecting,
    training,
)
from labeling.kinds import KINDS
from labeling.models import Assignment, Consensus, Judgment, Member, Query, TrainingRun
from rewards import ledger
from rewards.auditing import audit
from rewards.models import Kind, Transfer
from tests.making import a_project, a_query, a_user, a_worker, an_answer, an_item, now

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 16


def at_once(act, people):
    """What `act(person)` returned for each; all start together, and what fails in a thread fails the test."""
    start = Barrier(len(people))

    def run(person):
        try:
            start.wait(30)
            return act(person)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(run, people))


def held_again(worker):
    """The worker as another request would read it."""
    return Member.objects.select_related("project__budget", "user").get(pk=worker.pk)


def says(worker, query) -> dict:
    """Mostly the first category, sometimes another; the same worker says the same of the same query."""
    mood = random.Random(f"{worker.pk} {query.pk}")
    names = [category.name for category in query.category_list]
    return an_answer(query, [mood.choice([names[0]] * 4 + names)])


def work(worker, act=None, limit=1000):
    """Ask and answer until there is nothing (left to spend); the acknowledged outcomes and the last reason."""
    outcomes = []
    for _ in range(limit):
        worker = held_again(worker)
        try:
            assignment = asking.next_assignment(worker, now=now())
        except asking.NothingToAsk as reason:
            return outcomes, reason.code
        if act and act(worker, assignment):
            continue
        outcomes.append(answering.record(assignment, says(worker, assignment.query), now=now()))
    return outcomes, "limit"


def acknowledged(results):
    return [outcome for outcomes, _ in results for outcome in outcomes]


def agrees_with_the_rows(project):
    """Share, number of judgments and agreement of every cell are what the rows say, read one by one."""
    said = defaultdict(lambda: defaultdict(list))
    for answer in Assignment.objects.answered().filter(query__project=project).exclude(query__purpose="gold"):
        for cell, degree in everything_said(answer).items():
            said[cell.item][cell.category].append(degree)
    for item in project.items.values_list("pk", flat=True):
        stored = {cell.category_id: cell for cell in Consensus.objects.filter(project=project, item=item)}
        cells = {c: consensus.Cell(sum(row) / len(row), stored[c].posterior, len(row)) for c, row in said[item].items()}
        assert {c: cell.judgments for c, cell in stored.items() if cell.judgments} == {
            c: cell.judgments for c, cell in cells.items()
        }
        assert all(stored[c].share == pytest.approx(cell.share) for c, cell in cells.items())
        agreed = {c for c, cell in stored.items() if cell.agreed}
        assert agreed == expected_to_agree(project, cells, agreed)


def expected_to_agree(project, said, standing):
    """What of these cells people agree on. What stood before a tie still stands; one that is left over is agreed."""
    rule = agreeing.rule_of(project)
    if not project.exclusive:
        return {category for category, cell in said.items() if consensus.agrees(cell, rule)}
    settled = consensus.settle(said, rule, standing=min(standing, default=None))
    left = agreeing.left_over(project, said).keys()
    return set(left) if settled is None else {settled}


def everything_said(answer):
    """All cells of an answer, the zeros it implies included."""
    stored = answer.judgments.standing().values_list("item", "category", "degree")
    said = {(item, category): degree for item, category, degree in stored}
    if not KINDS[answer.query.kind].implied:
        return {cell: said[cell] for cell in answer.query.cells() if cell in said}
    return {cell: said.get(cell, 0.0) for cell in answer.query.cells()}


def rated_as_the_rows_say(project):
    online = list(project.members.workers().order_by("pk").values_list("pk", "agreed", "judged"))
    rating.count_all(project)
    assert online == list(project.members.workers().order_by("pk").values_list("pk", "agreed", "judged"))


def paid_once_each(project, outcomes):
    """Every acknowledged answer is stored and paid exactly once, and nothing else is."""
    answered = Assignment.objects.answered().filter(query__project=project)
    assert {outcome.assignment.pk for outcome in outcomes} == set(answered.values_list("pk", flat=True))
    assert all(answer.paid == answer.reward for answer in answered)
    posts = Counter(Transfer.objects.filter(kind=Kind.POST).values_list("key", flat=True))
    assert posts == Counter(f"answer {answer.pk}" for answer in answered if answer.paid)
    assert all(everything_said(answer) for answer in answered)
    for worker in project.members.workers():
        earned = sum(answer.paid for answer in answered.filter(worker=worker))
        assert ledger.balance(worker.user, project.budget) == earned


def never_more_people_than_wanted(project):
    for query in project.queries.all():
        people = query.assignments.filter(state__in=("live", "answered")).count()
        assert people == query.asked <= query.wanted


@pytest.mark.parametrize("exclusive", [True, False])
def test_sixteen_people_share_a_small_budget(exclusive):
    project = a_project(funds=900, exclusive=exclusive, queue_size=1, retrain_every=1000)
    for kind in ["yes_no", "categories", "items"] * 8:
        a_query(project, kind)
    workers = [a_worker(project) for _ in range(THREADS)]
    results = at_once(work, workers)
    outcomes = acknowledged(results)
    assert "budget" in {reason for _, reason in results} <= {"budget", "others", "choosing"}
    assert project.budget.available < 30 and project.budget.reserved == 0
    assert audit().differences == []
    paid_once_each(project, outcomes)
    never_more_people_than_wanted(project)
    agrees_with_the_rows(project)
    rated_as_the_rows_say(project)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_about_the_same_item_at_the_same_moment_all_count(kind):
    project = a_project(wanted=THREADS, agree_count=3, exclusive=kind == "categories")
    query = a_query(project, kind)
    workers = [a_worker(project) for _ in range(THREADS)]
    held = [asking.next_assignment(worker, now=now()) for worker in workers]
    outcomes = at_once(lambda a: answering.record(a, says(a.worker, a.query), now=now()), held)
    assert set(Consensus.objects.values_list("judgments", flat=True)) == {THREADS}
    assert Query.objects.get(pk=query.pk).state == Query.State.CLOSED
    paid_once_each(project, outcomes)
    agrees_with_the_rows(project)
    rated_as_the_rows_say(project)


def test_different_queries_about_the_same_item_at_the_same_moment_all_count():
    project = a_project(wanted=THREADS, agree_count=2, exclusive=False)
    item, categories = an_item(project), list(project.categories.all())
    queries = [a_query(project, "yes_no", [item], [category]) for category in categories]
    workers = [a_worker(project) for _ in range(THREADS - 1)]
    held = [offered(queries[at % 3], worker) for at, worker in enumerate(workers)]
    at_once(lambda a: answering.record(a, says(a.worker, a.query), now=now()), held)
    assert [cell.judgments for cell in Consensus.objects.all()] == [5, 5, 5]
    agrees_with_the_rows(project)
    rated_as_the_rows_say(project)


def offered(query, worker):
    query.take_place()
    return asking.offer(query, worker, now())


def test_one_click_of_sixteen_is_paid():
    project = a_project()
    a_query(project)
    worker = a_worker(project)
    held = asking.next_assignment(worker, now=now())
    copies = [Assignment.objects.get(pk=held.pk) for _ in range(THREADS)]
    outcomes = at_once(lambda a: answering.record(a, an_answer(a.query, ["cat"]), now=now()), copies)
    assert sorted(outcome.repeated for outcome in outcomes) == [False] + [True] * (THREADS - 1)
    assert {outcome.paid for outcome in outcomes} == {10} == {ledger.balance(worker.user, project.budget)}
    assert Judgment.objects.count() == 1


def test_sixteen_tabs_of_one_worker_hold_no_more_than_allowed():
    project = a_project(ahead=2)
    for _ in range(THREADS):
        a_query(project)
    worker = a_worker(project)
    at_once(lambda _: asking.next_assignment(held_again(worker), now=now()), range(THREADS))
    assert Assignment.objects.live().count() <= 2


def test_a_single_open_query_goes_to_as_many_people_as_wanted():
    project = a_project(wanted=5)
    a_query(project)
    workers = [a_worker(project) for _ in range(THREADS)]

    def ask(worker):
        try:
            return asking.next_assignment(worker, now=now())
        except asking.NothingToAsk as reason:
            return reason.code

    held = at_once(ask, workers)
    assert sum(isinstance(one, Assignment) for one in held) == 5
    assert Query.objects.get().asked == 5 and project.budget.reserved == 50


def test_people_who_skip_report_come_late_and_undo_at_once_break_nothing():
    project = a_project(funds=4000, queue_size=1, wanted=4, agree_count=2, retrain_every=1000, lease_seconds=3600)
    items = [an_item(project) for _ in range(16)]
    for at in range(0, 16, 2):
        a_query(project, "categories", [items[at]])
        a_query(project, "items", items[at : at + 2], [project.categories.last()])
    workers = [a_worker(project) for _ in range(THREADS)]

    def unruly(worker, assignment):
        luck = random.random()
        if luck < 0.1:
            asking.give_back(assignment, "skip", now=now())
        elif luck < 0.2:
            asking.give_back(assignment, "broken", now=now(), broken=assignment.query.item_list)
        elif luck < 0.35:  # the lease has run out, somebody may have been asked meanwhile, and then the answer comes
            Assignment.objects.filter(pk=assignment.pk).update(expires=F("offered"))
            asking.expire(now())
            late = Assignment.objects.get(pk=assignment.pk)
            answering.record(late, says(worker, late.query), now=now())
        elif luck < 0.5:
            answering.record(assignment, says(worker, assignment.query), now=now())
            try:
                reopened = answering.undo(worker)
                other = an_answer(reopened.query, [reopened.query.category_list[-1].name])
                answering.record(reopened, other, now=now())
            except answering.AnswerRefused:
                pass
        else:
            return False
        return True

    at_once(lambda worker: work(worker, unruly), workers)
    assert not Assignment.objects.live().exists()
    assert project.budget.reserved == 0
    assert audit().differences == []
    never_more_people_than_wanted(project)
    agrees_with_the_rows(project)
    rated_as_the_rows_say(project)


def test_a_worker_set_aside_while_all_others_answer_leaves_no_trace_in_the_consensus():
    project = a_project(wanted=THREADS, agree_count=THREADS, retrain_every=1000)
    items = [an_item(project) for _ in range(4)]
    queries = [a_query(project, "categories", [item]) for item in items]
    spammer, *others = [a_worker(project) for _ in range(THREADS)]
    for query in queries:
        answering.record(offered(query, spammer), an_answer(query, ["bird"]), now=now())

    def act(worker):
        if worker == spammer:
            renewing.set_aside(held_again(spammer), True, now=now())
        else:
            work(worker)

    at_once(act, [*others, spammer])
    assert set(Consensus.objects.values_list("judgments", flat=True)) == {THREADS - 1}


def test_enough_agreed_at_the_same_moment_request_one_run():
    project = a_project(agree_count=1, wanted=1, retrain_every=8)
    workers = [a_worker(project) for _ in range(THREADS)]
    held = [offered(a_query(project, "categories"), worker) for worker in workers]
    at_once(lambda a: answering.record(a, an_answer(a.query, ["cat"]), now=now()), held)
    assert TrainingRun.objects.get().state == TrainingRun.State.QUEUED


def test_runs_requested_started_and_swept_by_many_hands_are_executed_once():
    project = a_project()
    requested = at_once(lambda n: training.request(project, f"hand {n}", now=now()).pk, range(THREADS))
    assert len(set(requested)) == 1
    runs = [TrainingRun.objects.get() for _ in range(THREADS)]
    assert sorted(at_once(attempts.start, runs)) == [False] * (THREADS - 1) + [True]
    later = now() + timedelta(hours=1)
    at_once(lambda _: training.sweep(later), range(THREADS))
    assert TrainingRun.objects.get().state == TrainingRun.State.QUEUED


def test_refills_while_people_work_ask_no_cell_twice_and_stay_in_the_budget():
    project = a_project(items=40, queue_size=12, wanted=2, agree_count=2, funds=900, retrain_every=1000)
    workers = [a_worker(project) for _ in range(THREADS - 2)]
    selecting.refill(project, random_state=0)

    def act(one):
        if isinstance(one, Member):
            return work(one)
        for step in range(6):
            selecting.refill(type(project).objects.get(pk=project.pk), random_state=10 * one + step)

    at_once(act, [*workers, 1, 2])
    assert audit().differences == [] and project.budget.reserved == 0
    cells = defaultdict(set)
    for query in project.queries.filter(state__in=("open", "closed")):
        for cell in query.cells():
            cells[cell].add(query.pk)
    assert all(len(queries) == 1 for queries in cells.values())
    never_more_people_than_wanted(project)
    agrees_with_the_rows(project)


# --- who is there ----------------------------------------------------------------------------------------------------


def test_of_owners_who_leave_at_once_one_stays():
    project = a_project()
    owners = [opening.join(a_user(), project, "owner") for _ in range(7)] + [project.members.first()]

    def leave(member):
        try:
            leaving.leave(member.user, held_again(member).project, now())
        except leaving.Refused:
            return False
        return True

    assert Counter(at_once(leave, owners)) == {True: 7, False: 1}
    assert project.members.present().count() == 1


def test_whoever_is_removed_while_working_leaves_no_money_behind():
    project = a_project(funds=100_000, agree_count=1, wanted=1)
    for _ in range(40):
        a_query(project)
    workers = [a_worker(project) for _ in range(8)]

    def work_or_go(worker):
        if worker in workers[4:]:
            leaving.remove(worker, now())
            return None
        return work(worker)

    at_once(work_or_go, workers)
    asking.expire(now() + timedelta(hours=1))  # what was leased at the very moment
    assert project.budget.figures().reserved == 0
    assert audit().differences == []
