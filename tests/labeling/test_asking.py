"""Who is asked what next, and what becomes of a query that was not answered."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling import answering, asking, renewing, selecting
from labeling.kinds import KINDS
from labeling.models import Assignment, Item, Query
from tests.making import a_project, a_query, a_worker, an_answer, an_item, now

pytestmark = pytest.mark.django_db


def next_query(worker, **options):
    return asking.next_assignment(worker, now=now(), **options).query


def refusal(worker, **options):
    with pytest.raises(asking.NothingToAsk) as refused:
        asking.next_assignment(worker, now=now(), **options)
    return refused.value.code


@pytest.mark.parametrize("kind", KINDS)
def test_the_most_valuable_query_is_asked_first(kind):
    project = a_project()
    a_query(project, kind, value=0.2)
    best = a_query(project, kind, value=0.9)
    assert next_query(a_worker(project)) == best


def test_what_is_held_is_shown_again_and_not_leased_twice():
    project = a_project()
    a_query(project), a_query(project)
    worker = a_worker(project)
    first = asking.next_assignment(worker, now=now())
    assert asking.next_assignment(worker, now=now()) == first
    assert Assignment.objects.count() == 1


def test_a_worker_holds_no_more_than_the_project_lets_him_hold_ahead():
    project = a_project(ahead=2)
    for _ in range(3):
        a_query(project)
    worker = a_worker(project)
    first = asking.next_assignment(worker, now=now())
    second = asking.next_assignment(worker, [first.pk], now=now())
    assert first != second
    assert refusal(worker, holding=[first.pk, second.pk]) == "holding"


def test_a_cell_judged_before_is_not_asked_again_in_another_query():
    project = a_project()
    item = an_item(project)
    first = a_query(project, "yes_no", [item], value=2)
    worker = a_worker(project)
    answering.record(asking.next_assignment(worker, now=now()), an_answer(first), now=now())
    a_query(project, "categories", [item], value=5)
    other = a_query(project, "yes_no", value=0.1)
    assert next_query(worker) == other


def test_another_category_of_the_same_item_may_be_asked():
    project = a_project()
    item, (cat, dog, _) = an_item(project), project.categories.all()
    first = a_query(project, "yes_no", [item], [cat], value=2)
    second = a_query(project, "yes_no", [item], [dog])
    worker = a_worker(project)
    answering.record(asking.next_assignment(worker, now=now()), an_answer(first), now=now())
    assert next_query(worker) == second


def test_never_more_people_than_wanted():
    project = a_project(agree_count=1, wanted=1)
    a_query(project, wanted=1)
    next_query(a_worker(project))
    selecting.refill(project)  # there is nothing more to choose
    assert refusal(a_worker(project)) == "others"


def test_an_expired_query_goes_to_somebody_else_and_its_money_back():
    project = a_project(agree_count=1, wanted=1)
    query = a_query(project, wanted=1)
    slow = asking.next_assignment(a_worker(project), now=now())
    later = slow.expires + timedelta(seconds=1)
    assert asking.next_assignment(a_worker(project), now=later).query == query
    slow.refresh_from_db()
    assert slow.state == Assignment.State.EXPIRED
    assert project.budget.reserved == slow.reward  # the second offer's alone


def test_a_query_given_back_is_offered_to_others_and_never_again_to_the_same_worker():
    project = a_project()
    query = a_query(project)
    shy = a_worker(project)
    asking.give_back(asking.next_assignment(shy, now=now()), now=now())
    selecting.refill(project)
    assert refusal(shy) == "others"
    assert next_query(a_worker(project)) == query
    assert project.budget.reserved == project.cell_price


def test_giving_back_twice_releases_once():
    project = a_project()
    a_query(project)
    assignment = asking.next_assignment(a_worker(project), now=now())
    asking.give_back(assignment, now=now())
    with pytest.raises(asking.NotHeld):
        asking.give_back(assignment, now=now())
    assert Query.objects.get().asked == 0 and Query.objects.get().given_back == 1


def test_a_query_that_nobody_can_answer_is_exhausted():
    project = a_project()
    query = a_query(project, wanted=2)
    for _ in range(2):
        asking.give_back(asking.next_assignment(a_worker(project), now=now()), "cannot_tell", now=now())
    query.refresh_from_db()
    assert query.state == Query.State.EXHAUSTED


def test_as_many_reports_as_people_must_agree_withdraw_a_broken_item():
    project = a_project(agree_count=2)
    query = a_query(project)
    for _ in range(2):
        assignment = asking.next_assignment(a_worker(project), now=now())
        asking.give_back(assignment, "broken", now=now(), broken=query.item_list, note="black picture")
    assert Item.objects.get().withdrawn
    assert Query.objects.get().state == Query.State.WITHDRAWN


def test_an_exhausted_budget_takes_the_claim_back_and_says_so():
    project = a_project(funds=5)
    query = a_query(project)
    assert refusal(a_worker(project)) == "budget"
    query.refresh_from_db()
    assert query.asked == 0 and not Assignment.objects.exists()


@pytest.mark.parametrize("state", ["paused", "archived"])
def test_a_project_that_rests_asks_nothing(state):
    project = a_project(state=state)
    a_query(project)
    assert refusal(a_worker(project)) == state


def test_a_worker_set_aside_is_asked_nothing():
    project = a_project()
    a_query(project)
    worker = a_worker(project)
    renewing.set_aside(worker, True, now=now())
    assert refusal(worker) == "set_aside"


def test_an_empty_queue_rings_once_for_more():
    from django_q.models import OrmQ

    project = a_project(items=3)
    worker = a_worker(project)
    assert [refusal(worker), refusal(worker)] == ["choosing", "choosing"]
    assert OrmQ.objects.count() == 1


def test_asking_reads_as_many_rows_from_a_large_project_as_from_a_small_one():
    def statements(items):
        project = a_project(items=items)
        a_query(project)
        worker = a_worker(project)
        with CaptureQueriesContext(connection) as asked:
            asking.next_assignment(worker, now=now())
        return len(asked), any("COUNT" in query["sql"] for query in asked.captured_queries)

    assert statements(1) == statements(50) == (statements(1)[0], False)
