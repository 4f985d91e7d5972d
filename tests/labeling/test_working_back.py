"""The worker's page, without a browser: what is given back, and what is undone."""

import pytest
from django.urls import reverse

from labeling.kinds import KINDS, Cell
from labeling.models import Assignment, Judgment, Project, Report
from rewards import ledger
from tests.making import a_project, a_query, a_worker
from tests.pressing import begin, held, page_of, press, text, undo

pytestmark = pytest.mark.django_db


# --- giving back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["skip", "cannot_tell"])
def test_a_query_can_be_given_back(browser, project, reason):
    a_query(project, value=2)
    second = a_query(project)
    begin(browser, project)
    given = held()
    assert second.item_list[0].text in text(press(browser, given, door="give_back", reason=reason))
    given.refresh_from_db()
    assert (given.state, given.reason) == ("given_back", reason)
    assert "no longer yours" in text(press(browser, given, door="give_back", reason=reason)), "twice does no harm"


def test_a_grid_of_which_nothing_can_be_told_is_given_back(browser, project):
    query = a_query(project, "items", value=9)
    second = a_query(project)
    begin(browser, project)
    given = held()
    assert second.item_list[0].text in text(press(browser, given, unsure=[item.pk for item in query.item_list]))
    given.refresh_from_db()
    assert (given.state, given.reason) == ("given_back", "cannot_tell")
    assert not Judgment.objects.exists() and ledger.balance(given.worker.user, project.budget) == 0


def test_to_be_unsure_of_the_only_item_says_no_to_none_of_its_categories(client):
    project = a_project(exclusive=False)
    client.force_login(a_worker(project).user)
    query = a_query(project, "categories")
    begin(client, project)
    press(client, held(), unsure=[query.item_list[0].pk])
    assert Assignment.objects.get().reason == "cannot_tell"


def test_a_broken_item_is_reported_by_name_with_a_note(browser, project):
    query = a_query(project, "items")
    begin(browser, project)
    broken = query.item_list[1]
    shown = text(press(browser, held(), door="give_back", reason="broken", broken=broken.pk, note="only noise"))
    assert "Thank you for the report." in shown
    assert Report.objects.get().item == broken and Report.objects.get().note == "only noise"


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "required"),
        ({"reason": "boredom"}, "not one of the available choices"),
        ({"reason": "broken"}, "Say which item is broken."),
        ({"reason": "broken", "broken": "999999"}, "not one of the available choices"),
        ({"reason": "broken", "broken": "x" * 5000}, "not one of the available choices"),
        ({"reason": "skip", "note": "x" * 501}, "at most 500 characters"),
        ({"reason": "skip", "note": "nul\0"}, "Null characters"),
    ],
)
def test_a_malformed_report_is_explained_and_changes_nothing(browser, project, sent, sentence):
    a_query(project, "items")
    begin(browser, project)
    reply = press(browser, held(), door="give_back", **sent)
    assert reply.status_code == 422 and sentence in text(reply)
    assert Assignment.objects.live().count() == 1 and not Report.objects.exists()


def test_stopping_lets_go_of_the_query_and_it_may_come_back(browser, project):
    query = a_query(project)
    begin(browser, project)
    assert browser.post(reverse("stop", args=[project.slug])).url == reverse("home")
    assert not Assignment.objects.live().exists()
    assert project.budget.reserved == 0
    begin(browser, project)
    assert held().query == query


# --- undoing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_an_undo_shows_the_earlier_choice_and_a_correction_moves_no_money(browser, project, kind):
    query = a_query(project, kind, value=9)
    a_query(project)
    begin(browser, project)
    first, options = held(), KINDS[kind].field(query).options
    press(browser, first, answer=options[0].value)
    paid = ledger.balance(first.worker.user, project.budget)
    shown = text(undo(browser, project))
    assert "Your last answer" in shown and "Keep as it was" in shown
    assert f'value="{options[0].value}"' in shown and ("checked" in shown or "your answer" in shown)
    assert "corrected" in text(press(browser, first, answer=options[1].value))
    standing = Judgment.objects.standing().values_list("item", "category", "degree")
    corrected = KINDS[kind].degrees([options[1].value], query.cells())
    assert {Cell(item, category): degree for item, category, degree in standing} == corrected
    assert ledger.balance(first.worker.user, project.budget) == paid


def test_an_undone_answer_can_be_kept_as_it_was(browser, project):
    a_query(project, value=2)
    second = a_query(project)
    begin(browser, project)
    first = held()
    press(browser, first, answer="0")
    undo(browser, project, htmx=False)
    assert "Your last answer" in text(browser.get(page_of(project)))
    assert second.item_list[0].text in text(press(browser, first, keep="1"))
    assert Judgment.objects.get().degree == 0.0


def test_what_could_not_be_told_is_shown_again(browser, project):
    query = a_query(project, "items")
    doubtful = query.item_list[2].pk
    begin(browser, project)
    press(browser, held(), unsure=doubtful)
    assert f'name="unsure" value="{doubtful}" checked' in text(undo(browser, project))


def test_an_undo_without_an_answer_says_so(browser, project):
    a_query(project)
    begin(browser, project)
    assert "There is no answer of yours to undo." in text(undo(browser, project))


def test_the_last_answer_can_be_undone_in_a_paused_project(browser, project):
    a_query(project)
    begin(browser, project)
    press(browser, held(), answer="1")
    Project.objects.update(state="paused")
    assert "Your last answer" in text(undo(browser, project))
