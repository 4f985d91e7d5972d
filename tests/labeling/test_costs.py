"""What an ask and an answer cost the database: few statements, and no more work in a large project than in a small."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling import answering, asking
from labeling.access import assignment_for, worker_for
from labeling.kinds import KINDS
from labeling.models import Assignment, Consensus, Item, Judgment, Project, Query, QueryCategory, QueryItem
from tests.making import a_project, a_query, a_worker, an_answer, an_item, now

pytestmark = pytest.mark.django_db
ASK, ANSWER, AGREE = 7, 18, 22  # statements, those that find the worker and the assignment included


def statements(act):
    """The statements of `act()`; a transaction's begin and end are not counted."""
    with CaptureQueriesContext(connection) as captured:
        act()
    ends = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return [query["sql"] for query in captured if not query["sql"].startswith(ends)]


def ask(worker):
    return asking.next_assignment(worker_for(worker.user, worker.project.slug), now=now())


def answer(held, yes=("cat",)):
    assignment = assignment_for(held.worker.user, held.pk)
    return answering.record(assignment, an_answer(assignment.query, yes), now=now())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("agree_count, answered", [(3, ANSWER), (2, AGREE)])
def test_an_ask_and_an_answer_take_few_statements(kind, exclusive, agree_count, answered):
    """The second answer about an item, which agrees or does not, of a worker who was paid before."""
    project = a_project(exclusive=exclusive, agree_count=agree_count, queue_size=1)
    for value in (3, 2, 1):
        a_query(project, kind, value=value)
    first, second = a_worker(project), a_worker(project)
    for worker in (first, second, first):
        answer(ask(worker))
    asking_takes = statements(lambda: ask(second))
    held = ask(second)
    answering_takes = statements(lambda: answer(held))
    assert Consensus.objects.agreed().exists() == (agree_count == 2)
    assert len(asking_takes) <= ASK, "\n".join(asking_takes)
    assert len(answering_takes) <= answered, "\n".join(answering_takes)


def steps(act):
    """How many instructions SQLite carries out for `act()`: a measure of work that no clock disturbs."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite counts its instructions; other databases do not")
    count = 0

    def tick():
        nonlocal count
        count += 1

    connection.ensure_connection()
    connection.connection.set_progress_handler(tick, 1)
    try:
        act()
    finally:
        connection.connection.set_progress_handler(None, 1)
    return count


def a_past(project, worker, answers):
    """So many items of which this worker was asked and which are settled."""
    first, (category, *_) = project.rows, project.categories.all()
    items = Item.objects.bulk_create(
        Item(project=project, identifier=f"past{row}", row=row, lot=0.5) for row in range(first, first + answers)
    )
    Project.objects.filter(pk=project.pk).update(rows=first + answers)
    queries = Query.objects.bulk_create(
        Query(project=project, kind="yes_no", value=9.0, wanted=1, asked=1, state=Query.State.CLOSED) for _ in items
    )
    QueryItem.objects.bulk_create(QueryItem(query=query, item=item) for query, item in zip(queries, items, strict=True))
    QueryCategory.objects.bulk_create(QueryCategory(query=query, category=category) for query in queries)
    held = Assignment.objects.bulk_create(
        Assignment(query=query, worker=worker, state="answered", reward=0, paid=0, offered=now(), expires=now())
        for query in queries
    )
    Judgment.objects.bulk_create(
        Judgment(assignment=one, worker=worker, item=item, category=category, degree=1.0, created=now())
        for one, item in zip(held, items, strict=True)
    )
    Consensus.objects.bulk_create(
        Consensus(
            project=project, item=item, category=category, degree=1, posterior=1, judgments=1, agreed=now(),
            exclusive=True,
        )
        for item in items
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_neither_items_nor_answers_of_the_past_make_an_ask_or_an_answer_more_work(kind):
    def cost(answers):
        project = a_project(agree_count=1, wanted=1, retrain_every=5)
        worker = a_worker(project)
        a_past(project, worker, answers)
        for _ in range(3):
            a_query(project, kind, [an_item(project)])
        answer(ask(worker))
        asked, held = steps(lambda: ask(worker)), ask(worker)
        return asked, steps(lambda: answer(held))

    (few_asked, few_answered), (many_asked, many_answered) = cost(50), cost(2000)
    assert many_asked < 1.2 * few_asked
    assert many_answered < 1.2 * few_answered
