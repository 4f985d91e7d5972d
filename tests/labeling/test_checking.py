"""Gold in the stream: so often as the admin says, at places nobody can foretell, and not to be told from the rest."""

import re
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labeling import answering, asking, checking, disguises, selecting
from labeling.kinds import KINDS
from labeling.models import Assignment, Gold, Project, Query
from labeling.views import working
from tests.making import a_project, a_query, a_worker, an_answer, an_item, now
from tests.pressing import begin, held, press, text

pytestmark = pytest.mark.django_db


def a_gold_item(project, name="cat", **fields):
    item = an_item(project, **fields)
    Gold.objects.bulk_create(
        Gold(item=item, category=category, degree=float(category.name == name)) for category in project.categories.all()
    )
    return item


def a_gold_query(project, kind="yes_no", items=None, **fields):
    shown = items or [a_gold_item(project) for _ in range(3 if kind == "items" else 1)]
    return a_query(project, kind, shown, **{"purpose": "gold", "value": 0.0, "wanted": checking.WANTED} | fields)


def refill(project):
    done = selecting.refill(project, random_state=0)
    project.refresh_from_db()
    return done


def answer_next(worker, at):
    """The purpose of what was asked."""
    assignment = asking.next_assignment(worker, now=at)
    answering.record(assignment, an_answer(assignment.query, ["cat"]), now=at)
    return assignment.query.purpose


def always(project, share):
    Project.objects.filter(pk=project.pk).update(gold_share=share)
    project.refresh_from_db()


# --- how often -------------------------------------------------------------------------------------------------------


def test_the_share_of_gold_is_the_admins_and_its_places_cannot_be_foretold():
    project = a_project(gold_share=0.05)
    query, moment = a_query(project), now()
    streams = []
    for _ in range(2):
        worker = a_worker(project)
        streams.append([checking.due(worker, query, moment + timedelta(seconds=n)) for n in range(4000)])
    for stream in streams:
        assert np.mean(stream) == pytest.approx(0.05, abs=0.011)
        gaps = np.diff(np.flatnonzero(stream))
        assert np.std(gaps) == pytest.approx(20, rel=0.3), "as random as gaps of a coin, whose spread is their mean"
    assert np.corrcoef(*streams)[0, 1] < 0.06, "what one worker meets tells nothing about another"


def test_a_quarter_of_what_a_worker_is_asked_is_gold_where_the_admin_says_so():
    project = a_project(gold_share=0.25, items=100, queue_size=100, funds=100_000)
    for _ in range(50):
        a_gold_item(project)
    refill(project)
    worker, moment = a_worker(project), now()
    asked = [answer_next(worker, moment + timedelta(seconds=n)) for n in range(100)]
    assert 8 <= asked.count("gold") <= 47, "25 are expected, with a standard error of 4.3"


def test_a_worker_meets_each_gold_item_once_and_then_goes_on_without():
    project = a_project(gold_share=1.0, items=12, queue_size=8)
    for _ in range(3):
        a_gold_item(project)
    refill(project)
    worker, moment = a_worker(project), now()
    asked = [answer_next(worker, moment + timedelta(seconds=n)) for n in range(8)]
    assert asked == ["gold"] * 3 + ["teach"] * 5
    shown = Counter(Assignment.objects.filter(query__purpose="gold").values_list("query__items", flat=True))
    assert set(shown.values()) == {1}


def test_an_item_checked_in_one_kind_is_not_checked_in_another():
    project = a_project(gold_share=1.0)
    item = a_gold_item(project)
    cat, dog, _ = project.categories.all()
    a_gold_query(project, "yes_no", [item], categories=[cat])
    a_gold_query(project, "yes_no", [item], categories=[dog])
    for _ in range(3):
        a_query(project, "yes_no")
    worker, moment = a_worker(project), now()
    asked = [answer_next(worker, moment + timedelta(seconds=n)) for n in range(3)]
    assert asked.count("gold") == 1


def test_the_least_used_gold_is_asked_first():
    project = a_project(gold_share=1.0, items=8, queue_size=6)
    for _ in range(4):
        a_gold_item(project)
    refill(project)
    moment = now()
    for n in range(8):
        answer_next(a_worker(project), moment + timedelta(seconds=n))
    used = Assignment.objects.filter(query__purpose="gold").values_list("query__items", flat=True)
    assert set(Counter(used).values()) == {2}, "eight checks of four items"


def test_gold_stands_in_for_a_query_and_never_alone():
    project = a_project(gold_share=1.0)
    a_gold_query(project)
    with pytest.raises(asking.NothingToAsk):
        asking.next_assignment(a_worker(project), now=now())


def test_where_no_gold_is_wanted_none_is_asked():
    project = a_project(gold_share=0.0)
    a_gold_query(project), a_query(project)
    assert answer_next(a_worker(project), now()) == "teach"


def test_gold_is_not_taken_for_a_queue_that_is_full():
    project = a_project(items=6, queue_size=6, gold_share=0.5)
    for _ in range(30):
        a_gold_item(project)
    assert refill(project).opened == 6
    Query.objects.exclude(purpose="gold").update(state="closed")
    assert selecting.refill_if_low(project, now())


# --- in which clothes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_gold_comes_in_the_kind_of_the_query_it_stands_in_for(kind):
    project = a_project(gold_share=1.0)
    for other in KINDS:
        a_gold_query(project, other)
    a_query(project, kind)
    assert asking.next_assignment(a_worker(project), now=now()).query.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_refill_deals_gold_in_the_kinds_that_are_open(kind):
    project = a_project(gold_share=0.05, items=1, queue_size=5)
    for _ in range(40):
        a_gold_item(project)
    a_query(project, kind)
    refill(project)
    dealt = set(project.queries.open().filter(purpose="gold").values_list("kind", flat=True))
    assert dealt == {kind, *project.queries.exclude(purpose="gold").values_list("kind", flat=True)}


def test_a_yes_no_asks_about_the_truth_as_often_as_about_its_look_alike():
    """Always saying yes is found out; the look-alike is the category the item is most easily taken for."""
    truth = np.eye(3)[np.zeros(400, int)]
    known = disguises.Known(truth, np.tile([0.5, 0.1, 0.4], (400, 1)), exclusive=True)
    asked = [one.columns[0] for one in disguises.one_cell(known, range(400), [], np.random.default_rng(0))]
    assert Counter(asked)[1] == 0 and 0.4 < Counter(asked)[2] / 400 < 0.6


def test_before_any_classifier_the_look_alike_is_what_people_take_gold_for():
    project = a_project(gold_share=1.0)
    query = a_gold_query(project, "categories")
    a_query(project, "categories")
    assignment = asking.next_assignment(a_worker(project), now=now())
    assert assignment.query == query
    answering.record(assignment, an_answer(query, ["bird"]), now=now())
    known = checking.known_of(project, selecting.read(project))
    row = list(selecting.read(project).items).index(query.item_list[0].pk)
    assert known.likely[row].argmax() == 2


def test_a_grid_is_as_large_as_a_real_one_and_half_look_alikes():
    random = np.random.default_rng(0)
    truth = np.eye(4)[random.integers(4, size=200)]
    known = disguises.Known(truth, random.random((200, 4)), exclusive=True)
    found = [disguises.a_grid(known, range(200), [(12, (2,))], random)[0] for _ in range(50)]
    assert all(len(set(one.rows)) == 12 and one.columns == (2,) for one in found)
    assert 0.4 < np.mean([truth[list(one.rows), 2].mean() for one in found]) < 0.6


def test_no_grid_is_made_where_gold_is_scarce():
    assert disguises.SCARCE * 12 > 20
    known = disguises.Known(np.eye(4)[[0, 1, 2, 3] * 5], np.ones((20, 4)), exclusive=True)
    assert disguises.a_grid(known, range(20), [(12, (2,))], np.random.default_rng(0)) == []


def test_a_reward_does_not_tell_gold_from_the_rest():
    """Every factor is strong, and the query in whose place gold is asked is worth more than others."""
    fields = {"factors": dict.fromkeys(("training_value", "scarcity", "falling_confidence"), 1.0)}
    project = a_project(gold_share=1.0, **fields)
    signals = {"cells": 1, "training_value": 0.83, "scarcity": 0.5, "falling_confidence": 0.1, "complexity": None}
    gold, real = a_gold_query(project), a_query(project, signals=signals)
    worker = a_worker(project)
    checked = asking.next_assignment(worker, now=now())
    assert checked.query == gold
    always(project, 0.0)
    taught = asking.next_assignment(a_worker(project), now=now())
    assert taught.query == real and checked.reward == taught.reward > project.cell_price


# --- the same to the eye and to the clock ----------------------------------------------------------------------------

ITSELF = re.compile(
    r"/twin(-2)?/|What item \d+ says|/assignments/\d+/|value=\"\d+\"|csrfmiddlewaretoken\" value=\"[^\"]+\""
)


def masked(response):
    """A page without what is the item's own: its words, its number, that of the assignment; and the form's token."""
    return ITSELF.sub("#", text(response))


def two_streams(kind):
    """The same queries twice; in the second project gold takes the place of the first."""
    for share in (0.0, 1.0):
        project = a_project(gold_share=share, name="Twin", agree_count=3)
        real = a_query(project, kind, value=3)
        a_gold_query(project, kind, categories=real.category_list)
        a_query(project, kind, value=1)
        yield project


def seen(client, project):
    """What comes over the wire for a lease and its answer, and how many statements each took."""
    worker = a_worker(project)
    client.force_login(worker.user)
    with CaptureQueriesContext(connection) as leasing:
        shown = begin(client, project)
    asked = held()
    sent = {"answer": working.AnswerForm(asked.query).fields["answer"].options[0].value}
    always(project, 0.0)  # what follows is a real query in both
    with CaptureQueriesContext(connection) as answered:
        replied = press(client, asked, **sent)
    assert Assignment.objects.answered().filter(pk=asked.pk).exists()
    headers = [{name: value for name, value in one.items() if name != "Content-Length"} for one in (shown, replied)]
    return asked.query.purpose, masked(shown), masked(replied), headers, len(leasing), len(answered)


@pytest.mark.parametrize("kind", KINDS)
def test_page_bytes_and_statements_are_the_same_for_gold(client, kind):
    taught, checked = (seen(client, project) for project in two_streams(kind))
    assert (taught[0], checked[0]) == ("teach", "gold")
    for part, what in enumerate(("lease's page", "answer's page", "headers", "lease's statements"), 1):
        assert taught[part] == checked[part], f"the {what}"
    assert taught[5] == checked[5], "the answer's statements"
