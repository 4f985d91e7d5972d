"""A project's pages: who may open and change them, and what the ring shows."""

import re

import pytest
from django.urls import reverse
from django_q.models import OrmQ

from labeling import answering, asking, opening
from labeling.models import Consensus, Member, Project, Query, TrainingRun
from labeling.views.projects import figures
from rewards import ledger
from tests.making import a_project, a_query, a_run, a_user, a_worker, an_answer, measured, now
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db

PAGES = ["project", "project_loop", "project_settings", "project_items", "project_people", "project_money"]
PAGES += ["project_queries", "project_export"]
DEEDS = ["project_state", "project_retrain", "project_refill"]


@pytest.fixture
def project():
    return a_project(items=4, owner=a_user("olga"))


@pytest.fixture
def cast(project):
    """One user for each role, and a stranger."""
    people = {"owner": project.members.get().user, "stranger": a_user("sam")}
    for role in ("admin", "researcher", "worker"):
        people[role] = opening.join(a_user(role), project, role).user
    return people


def sign_in(client, user):
    client.force_login(user)
    return client


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", ["owner", "admin", "researcher"])
def test_who_runs_or_studies_a_project_reads_its_pages(client, project, cast, role, name):
    assert page(sign_in(client, cast[role]), project, name).status_code == 200


@pytest.mark.parametrize("name", PAGES + DEEDS)
@pytest.mark.parametrize("role", ["worker", "stranger"])
def test_to_workers_and_strangers_a_project_has_no_pages(client, project, cast, role, name):
    sign_in(client, cast[role])
    assert post(client, project, name).status_code in (404, 405)
    assert page(client, project, name).status_code in (404, 405)


@pytest.mark.parametrize("name", PAGES + DEEDS)
def test_visitors_are_sent_to_sign_in(client, project, name):
    answer = page(client, project, name)
    assert answer.status_code == 302 and "/sign-in/" in answer["Location"]


CHANGES = [
    ("project_state", {"state": "paused"}),
    ("project_retrain", {}),
    ("project_refill", {}),
    ("project_settings", {"name": "Mine now"}),
    ("project_settings", {"add": "", "categories": "fish"}),
    ("project_items", {"lines": "one"}),
    ("project_people", {"renew": ""}),
    ("project_money", {"fund-amount": "5", "fund-key": "0f8fad5b-d9cb-469f-a165-70867728950e", "fund": ""}),
]


@pytest.mark.parametrize(("name", "data"), CHANGES, ids=str)
def test_a_researcher_changes_nothing(client, project, cast, name, data):
    before = (Project.objects.values().get(), project.budget.figures(), Query.objects.count())
    answer = post(sign_in(client, cast["researcher"]), project, name, **data)
    assert answer.status_code == 403
    assert (Project.objects.values().get(), project.budget.figures(), Query.objects.count()) == before
    assert not project.runs.exists() and project.categories.count() == 3 and project.items.count() == 4


def test_a_researcher_sees_no_button_that_changes_something_and_no_invitation(client, project, cast):
    sign_in(client, cast["researcher"])
    for name in PAGES:
        shown = text(page(client, project, name)).split('id="main"')[-1]
        buttons = {words.strip() for words in re.findall(r"<button[^>]*>([^<]*)", shown)}
        assert buttons <= {"Find", "Download", "Foretell"}, name
        assert "/join/" not in shown


def test_set_aside_is_for_those_who_run_the_project(client, project, cast):
    worker = project.members.workers().get()
    sign_in(client, cast["researcher"])
    assert page(client, project, "set_aside", worker.pk).status_code == 403
    assert post(client, project, "set_aside", worker.pk, aside="1").status_code == 403
    worker.refresh_from_db()
    assert not worker.set_aside


def test_another_projects_rows_are_not_reached_through_this_one(client, project, cast):
    other = a_project(items=1)
    worker, query, run = a_worker(other), a_query(other), a_run(other)
    sign_in(client, cast["owner"])
    assert post(client, project, "set_aside", worker.pk, aside="1").status_code == 404
    assert page(client, project, "project_query", query.pk).status_code == 404
    assert page(client, project, "project_run", run.number).status_code == 404
    assert post(client, project, "project_items", withdraw=str(other.items.first().pk)).status_code == 404


@pytest.mark.parametrize("name", DEEDS)
def test_a_deed_is_not_done_by_opening_its_address(client, project, cast, name):
    assert page(sign_in(client, cast["owner"]), project, name).status_code == 405


def test_no_deed_without_the_forms_token(project, cast):
    from django.test import Client

    client = sign_in(Client(enforce_csrf_checks=True), cast["owner"])
    assert post(client, project, "project_state", state="archived").status_code == 403
    project.refresh_from_db()
    assert project.state == "active"


def test_opening_every_page_changes_nothing(client, project, cast):
    def rows():
        return [list(model.objects.values()) for model in (Project, Member, Query, TrainingRun, OrmQ)]

    a_query(project)
    before = rows()
    sign_in(client, cast["owner"])
    for name in PAGES:
        page(client, project, name)
    assert rows() == before


# --- the ring ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def owner(client, cast):
    return sign_in(client, cast["owner"])


def test_a_new_project_says_what_it_needs_before_its_first_query(client):
    project = a_project(funds=0)
    shown = text(page(sign_in(client, project.members.get().user), project))
    for step in ("Bring in items", "Fund the budget", "Invite workers"):
        assert step in shown


def test_the_budget_is_shown_as_available_reserved_and_spent(owner, project):
    worker = a_worker(project)
    a_query(project, value=5)
    first = asking.next_assignment(worker, now=now())
    answering.record(first, an_answer(first.query), now=now())
    a_query(project)
    asking.next_assignment(worker, now=now())
    shown = text(page(owner, project))
    money = figures.money(project)
    assert (money.funded, money.reserved, money.spent) == (10_000, 10, 10)
    assert money.funded == money.available + money.reserved + money.spent
    assert "9,980" in shown and "10,000\N{NO-BREAK SPACE}points available" in shown


def test_every_figure_of_the_budget_is_the_sum_of_its_entries(owner, project):
    worker = a_worker(project)
    for _ in range(3):
        a_query(project)
        assignment = asking.next_assignment(worker, now=now())
        answering.record(assignment, an_answer(assignment.query), now=now())
    a_query(project)
    asking.give_back(asking.next_assignment(worker, now=now()), now=now())
    a_query(project)
    asking.next_assignment(worker, now=now())
    paid = ledger.entries(project.budget).filter(kind="post").first()
    ledger.correct(paid, 4)
    ledger.withdraw(project.budget, 500)
    ledger.pay_out(worker.user, project.budget, 7)
    money = figures.money(project)
    for of in ("funded", "available", "reserved", "spent"):
        entries = page(owner, project, "project_money", of=of).context["entries"]
        assert sum(entry.change for entry in entries) == getattr(money, of), of


def test_open_queries_are_counted_by_kind_and_purpose_with_the_reason_of_each(owner, project):
    a_query(project, "yes_no", reason="close call between cat and dog", value=3)
    a_query(project, "categories", reason="hard in all 3 categories")
    a_query(project, "items", purpose="exam", reason="drawn at random to measure accuracy")
    a_query(project, state="closed", reason="not to be seen")
    shown = text(page(owner, project))
    assert "Close call between cat and dog; to teach the classifier." in shown
    assert "1 to measure accuracy" in shown and "2 to teach the classifier" in shown
    assert "not to be seen" not in shown
    assert page(owner, project).context["queue"].open == 3


def test_consensus_is_counted_by_who_decided(owner, project):
    cat = project.categories.first()
    for item, source in zip(project.items.all(), ["people", "people", "import"], strict=False):
        Consensus.objects.create(
            project=project, item=item, category=cat, degree=1, posterior=1, agreed=now(), exclusive=True, source=source
        )
    shown = text(page(owner, project))
    assert "75.0% of all items: 2 by people, 1 by import." in shown
    assert "2 of the 20 newly agreed items that start the next run" in shown


def test_where_categories_are_not_exclusive_cells_are_counted(client):
    project = a_project(items=2, exclusive=False)
    assert "of 6 cells agreed" in text(page(sign_in(client, project.members.get().user), project))


def test_accuracy_is_said_to_be_of_all_items_and_from_how_many(owner, project):
    Project.objects.update(exam_share=0.05)
    a_run(project, metrics=measured(0.9, items=80))
    shown = text(page(owner, project))
    assert "90.0%" in shown and "85% to 95%" in shown
    assert "measured on 80 items drawn at random" in shown


def test_too_few_exam_items_are_said_to_be_too_few(owner, project):
    Project.objects.update(exam_share=0.05)
    a_run(project, metrics=measured(0.9, items=1))
    assert "Only 1 item drawn at random has been agreed so far." in text(page(owner, project))


@pytest.mark.parametrize(
    ("share", "metrics", "said"),
    [
        (0.0, {}, "no items are drawn at random"),
        (0.05, {"mean_confidence": 0.5, "exam_items": 0}, "people have agreed on none of the items drawn"),
        (0.05, None, "no classifier has been published"),
    ],
)
def test_an_accuracy_that_is_not_measured_says_why(owner, project, share, metrics, said):
    Project.objects.update(exam_share=share)
    if metrics is not None:
        a_run(project, metrics=metrics)
    assert said in text(page(owner, project))


def test_runs_are_drawn_with_a_table_behind_the_drawing(owner, project):
    a_run(project, metrics=measured(0.8, 60, confidence=0.7))
    a_run(project, TrainingRun.State.REFUSED, metrics=measured(0.6, 60), message="Refused: worse by at least 0.1")
    shown = text(page(owner, project))
    assert "Run 1: accuracy 80.0% (95% interval 75% to 85%)" in shown
    assert "Run 1: mean confidence 70.0%" in shown
    assert 'class="mark hollow"' in shown, "a refused run is measured but not in use"
    assert "75.0% to 85.0%" in shown and "0.321" in shown
    assert "Refused: worse by at least 0.1" in shown


def test_a_failed_run_says_why(owner, project):
    a_run(project, TrainingRun.State.FAILED, message="Nothing has been agreed yet, so there is nothing to learn from.")
    assert "there is nothing to learn from" in text(page(owner, project))


def test_progress_is_asked_for_while_a_run_is_pending_and_then_the_page_is_read_anew(owner, project):
    assert "every 2s" not in text(page(owner, project))
    run = a_run(project, TrainingRun.State.RUNNING, progress=0.4, message="Learning from 20 items")
    assert "every 2s" in text(page(owner, project))
    fragment = text(page(owner, project, "project_loop"))
    assert 'value="0.4"' in fragment and "Learning from 20 items" in fragment and "<html" not in fragment
    TrainingRun.objects.filter(pk=run.pk).update(state="done")
    done = owner.get(reverse("project_loop", args=[project.slug]), headers={"HX-Request": "true"})
    assert done["HX-Refresh"] == "true"


@pytest.mark.parametrize(("stats", "said"), [([], True), (["a cluster"], False)])
def test_a_cluster_that_is_not_running_is_said_with_what_to_do(owner, project, monkeypatch, stats, said):
    monkeypatch.setattr(figures.Stat, "get_all", lambda: stats)
    assert ("No cluster is running" in text(page(owner, project))) == said


def test_a_cache_that_is_away_does_not_take_the_page_with_it(owner, project, monkeypatch):
    def away():
        raise ConnectionError

    monkeypatch.setattr(figures.Stat, "get_all", away)
    answer = page(owner, project)
    assert answer.status_code == 200 and "No cluster is running" not in text(answer)


def test_the_page_asks_no_more_of_the_database_when_there_is_more_in_it(owner, project, django_assert_max_num_queries):
    def fill():
        for _ in range(4):
            a_query(project, "items", reason="weak")
            a_worker(project)
        a_run(project, metrics=measured(0.9, 60))

    fill()
    with django_assert_max_num_queries(40) as few:
        page(owner, project)
    fill()
    with django_assert_max_num_queries(len(few)):
        page(owner, project)


# --- turning the ring by hand -----------------------------------------------------------------------------------------


def test_retrain_now_queues_one_run_however_often_it_is_pressed(owner, project):
    for _ in range(2):
        answer = owner.post(reverse("project_retrain", args=[project.slug]), follow=True)
        assert "Run 1 is queued" in text(answer)
    assert project.runs.get().trigger == "by hand, olga"


def test_an_archived_project_is_not_trained(owner, project):
    Project.objects.update(state="archived")
    assert post(owner, project, "project_retrain").status_code == 422
    assert not project.runs.exists()


def test_refill_opens_queries_at_once_and_says_how_many(owner, project):
    answer = owner.post(reverse("project_refill", args=[project.slug]), follow=True)
    assert Query.objects.open().count() == 4
    assert "4 queries opened." in text(answer)


def test_a_refill_that_opens_nothing_says_why(owner, project):
    Project.objects.update(state="paused")
    answer = owner.post(reverse("project_refill", args=[project.slug]), follow=True)
    assert "No query was opened. The project is paused." in text(answer)


@pytest.mark.parametrize("state", ["paused", "archived", "active"])
def test_a_project_is_paused_archived_and_resumed(owner, project, state):
    Project.objects.update(state="paused" if state == "active" else "active")
    answer = owner.post(reverse("project_state", args=[project.slug]), {"state": state}, follow=True)
    project.refresh_from_db()
    assert project.state == state
    assert f"The project is {state}:" in text(answer)


@pytest.mark.parametrize("state", ["", "deleted", "ACTIVE", "x" * 5000, "<script>"])
def test_a_forged_state_is_refused(owner, project, state):
    answer = post(owner, project, "project_state", state=state)
    assert answer.status_code == 422 and "nothing was changed" in text(answer)
    project.refresh_from_db()
    assert project.state == "active"
