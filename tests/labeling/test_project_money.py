"""Funding, withdrawing and the entries; and what leaves the house."""

import json
import uuid

import pytest

from labeling import answering, asking, opening
from labeling.models import Item
from rewards import ledger
from rewards.models import MOST, Transfer
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(items=2, owner=a_user("olga"), instructions="Look closely.")


@pytest.fixture
def owner(client, project):
    client.force_login(project.members.get().user)
    return client


def answers_of(workers, project, yes):
    """Each worker answers a query about each of the project's items with the category of that name."""
    for item in project.items.all():
        query = a_query(project, "categories", items=[item])
        for worker, name in zip(workers, yes, strict=True):
            assignment = asking.next_assignment(worker, now=now())
            answering.record(assignment, an_answer(query, yes=[name]), now=now())


# --- money ------------------------------------------------------------------------------------------------------------


def test_money_put_in_brings_queries_at_once(owner, project):
    """Else the first worker would wait for the minute's sweep."""
    assert project.refill_requested is None
    post(owner, project, "project_money", **{"fund-amount": 500, "fund-key": uuid.uuid4(), "fund": ""})
    project.refresh_from_db()
    assert project.refill_requested


def test_the_money_page_says_what_it_costs_to_ask_about_everything(owner, project):
    shown = " ".join(text(page(owner, project, "project_money")).split())
    assert "To ask 2 people about all categories of every one of the 2 items would cost about 120 points" in shown


def test_what_a_new_project_needs_is_on_each_of_its_pages_until_it_has_it(client):
    project = a_project(owner=a_user("olga"), funds=0)
    client.force_login(project.members.get().user)
    for name in ("project", "project_items", "project_money", "project_people"):
        steps = text(page(client, project, name)).partition("To begin with")[2].partition("</nav>")[0]
        assert [steps.count(words) for words in ("Bring in items", "Fund the budget", "Invite workers", "done")] == [
            1, 1, 1, 0]  # fmt: skip
    a_worker(project), a_query(project), ledger.fund(project.budget, 1)
    assert "Invite another worker: 2 must agree, 1 can answer" in text(page(client, project, "project_items"))
    a_worker(project)
    assert "To begin with" not in text(page(client, project, "project_items"))


def move(client, project, verb, amount, key=None):
    return post(
        client, project, "project_money", **{verb: "", f"{verb}-amount": amount, f"{verb}-key": key or uuid.uuid4()}
    )


def test_a_project_is_funded_and_money_taken_back(owner, project):
    move(owner, project, "fund", 500)
    move(owner, project, "withdraw", 200)
    assert project.budget.figures().available == 10_300


def test_a_form_sent_twice_moves_money_once(owner, project):
    key = uuid.uuid4()
    for _ in range(2):
        assert move(owner, project, "fund", 500, key).status_code == 302
    assert project.budget.figures().available == 10_500
    assert move(owner, project, "fund", 600, key).status_code == 422
    assert project.budget.figures().available == 10_500


@pytest.mark.parametrize("amount", ["", "0", "-5", "1.5", "1e3", "many", str(MOST + 1), "9" * 60, "١٢x"])
@pytest.mark.parametrize("verb", ["fund", "withdraw"])
def test_an_amount_that_is_none_is_refused(owner, project, verb, amount):
    before = Transfer.objects.count()
    assert move(owner, project, verb, amount).status_code == 422
    assert Transfer.objects.count() == before


def test_no_more_can_be_taken_back_than_is_available(owner, project):
    answer = move(owner, project, "withdraw", 10_001)
    assert answer.status_code == 422 and "has 10000 points available" in text(answer)


@pytest.mark.parametrize("key", ["x", "' OR 1", "0" * 500])
def test_a_forged_key_is_refused(owner, project, key):
    assert move(owner, project, "fund", 5, key).status_code == 422
    assert project.budget.figures().funded == 10_000


def test_entries_are_paged_from_the_newest(owner, project):
    for n in range(60):
        ledger.fund(project.budget, n + 1)
    first = page(owner, project, "project_money").context
    rest = page(owner, project, "project_money", before=first["older"]).context
    assert [entry.amount for entry in first["entries"]][:2] == [60, 59]
    assert len(first["entries"]) + len(rest["entries"]) == 61 and rest["older"] is None


# --- export -----------------------------------------------------------------------------------------------------------


def content(response):
    return b"".join(response.streaming_content).decode()


@pytest.mark.parametrize("what", ["labeled", "judgments", "predictions", "ledger"])
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_every_set_is_exported_in_every_format(owner, project, what, format):
    answers_of([a_worker(project)], project, ["cat"])
    answer = page(owner, project, "project_export", what=what, format=format)
    assert answer.streaming
    assert f'filename="{project.slug}-{what}-' in answer["Content-Disposition"]
    assert answer["Content-Disposition"].endswith(f'.{format}"')
    lines = content(answer).splitlines()
    assert bool(lines) == (what != "predictions")
    if format == "jsonl":
        assert all(json.loads(line) for line in lines)


def test_the_labeled_set_holds_undecided_items_too(owner, project):
    exported = content(page(owner, project, "project_export", what="labeled", format="jsonl"))
    assert {json.loads(line)["id"] for line in exported.splitlines()} == set(
        Item.objects.values_list("identifier", flat=True)
    )


@pytest.mark.parametrize("query", [{"what": "secrets", "format": "csv"}, {"what": "labeled"}, {"format": "xml"}])
def test_an_export_of_something_else_is_refused_with_the_choices(owner, project, query):
    answer = page(owner, project, "project_export", **query)
    assert answer.status_code == 422 and "Labeled set" in text(answer)


def test_a_researcher_exports(client, project):
    researcher = opening.join(a_user(), project, "researcher")
    client.force_login(researcher.user)
    assert content(page(client, project, "project_export", what="labeled", format="csv")).startswith("id,")
