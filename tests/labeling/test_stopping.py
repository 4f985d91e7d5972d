"""How many people are asked: as many as must agree, no more than wanted, and only while it is worth the price."""

import pytest

from labeling import answering, asking
from labeling.models import Consensus, Query
from tests.making import a_project, a_query, a_worker, an_answer, now

pytestmark = pytest.mark.django_db


def say(worker, yes=()):
    assignment = asking.next_assignment(worker, now=now())
    return answering.record(assignment, an_answer(assignment.query, yes), now=now())


def test_all_say_the_same_and_nobody_else_is_asked():
    project = a_project(wanted=9, agree_count=2)
    query = a_query(project, "categories")
    for _ in range(2):
        say(a_worker(project), ["cat"])
    query.refresh_from_db()
    assert (query.state, query.asked) == (Query.State.CLOSED, 2)


def test_the_value_of_an_open_query_follows_what_is_still_in_doubt():
    project = a_project(wanted=9, agree_count=1, agree_by="posterior", agree_posterior=0.99)
    query = a_query(project, "categories", value=1.58)
    values = []
    for yes in ("cat", "cat", "cat"):
        say(a_worker(project), [yes])
        query.refresh_from_db()
        values.append(query.value)
    assert values == sorted(values, reverse=True) and values[-1] < 0.6 * values[0]
    say(a_worker(project), ["dog"])
    query.refresh_from_db()
    assert query.value > values[-1]  # somebody disagrees: there is more to learn


@pytest.mark.parametrize(("worth", "state"), [(None, "open"), (1_000_000, "open"), (1, "closed")])
def test_an_item_is_asked_again_only_while_that_is_worth_its_price(worth, state):
    project = a_project(wanted=9, agree_count=2, agree_share=1.0, item_worth=worth)
    query = a_query(project, "categories")
    say(a_worker(project), ["cat"])
    query.refresh_from_db()
    assert query.state == "open"  # fewer than must agree
    say(a_worker(project), ["dog"])
    query.refresh_from_db()
    assert query.state == state and not Consensus.objects.agreed().exists()


def test_what_measures_is_asked_whatever_it_is_worth():
    project = a_project(wanted=9, agree_count=2, agree_share=1.0, item_worth=1)
    query = a_query(project, "categories", purpose="exam")
    for yes in ("cat", "dog"):
        say(a_worker(project), [yes])
    query.refresh_from_db()
    assert query.state == "open"


def test_what_too_few_have_judged_to_agree_keeps_its_rank():
    project = a_project(wanted=9, agree_count=2)
    first, _ = a_query(project, "categories", value=1.58), a_query(project, "categories", value=1.5)
    say(a_worker(project), ["cat"])
    assert asking.next_assignment(a_worker(project), now=now()).query == first
