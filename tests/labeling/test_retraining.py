"""A project's retraining policy: when a run starts by itself, how far back it learns, until when people are asked."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from labeling import answering, asking, attempts, dataset, ending, selecting, training
from labeling.models import Consensus, Project, TrainingRun
from tests.making import a_project, a_query, a_worker, an_answer, an_item, now
from tests.proving import a_sure_project, certify, publish
from tests.teaching import a_record, a_taught_project, agree, run
from tests.visiting import page

pytestmark = pytest.mark.django_db
State = TrainingRun.State


def requested(project, after=timedelta()):
    project.refresh_from_db()
    return training.request_if_due(project, now() + after)


# --- when ------------------------------------------------------------------------------------------------------------


def test_at_once_means_after_one_newly_agreed_item():
    project = a_taught_project(agreed=0, retrain_when="at_once", retrain_every=20)
    assert requested(project) is None
    agree(project.items.first(), "cat")
    asked = requested(project)
    assert asked.trigger == "1 newly agreed"


def test_at_once_never_starts_a_second_run_beside_the_first():
    project = a_taught_project(agreed=1, retrain_when="at_once")
    first = requested(project)
    attempts.start(first)
    agree(project.items.last(), "bird")
    assert requested(project) == first and project.runs.count() == 1


def test_what_was_agreed_during_a_run_at_once_asks_for_the_next(monkeypatch):
    project = a_taught_project(retrain_when="at_once")
    learn = training.learning.learn

    def meanwhile(*args):
        if project.runs.count() == 1:
            agree(project.items.all()[5], "cat")
        return learn(*args)

    monkeypatch.setattr(training.learning, "learn", meanwhile)
    run(project)
    assert [one.state for one in project.runs.order_by("number")] == [State.DONE, State.QUEUED]


def test_on_a_schedule_answers_wait_for_the_hour_and_the_sweep_keeps_it():
    project = a_taught_project(agreed=2, retrain_when="schedule", retrain_hours=6)
    assert requested(project, timedelta(hours=5)) is None
    assert training.keep_schedules(now() + timedelta(hours=5)) == 0
    assert training.keep_schedules(now() + timedelta(hours=7)) == 1
    assert project.runs.get().trigger == "on schedule, every 6 hours"


def test_a_schedule_without_anything_newly_agreed_starts_nothing():
    project = a_taught_project(agreed=2, retrain_when="schedule", retrain_hours=6)
    done = run(project)
    assert training.keep_schedules(now() + timedelta(hours=20)) == 0
    agree(project.items.last(), "bird")
    assert training.keep_schedules(done.requested + timedelta(hours=5)) == 0
    assert training.keep_schedules(done.requested + timedelta(hours=7)) == 1


def test_what_was_imported_counts_for_the_schedule():
    project = a_taught_project(agreed=2, retrain_when="schedule", retrain_hours=6)
    run(project)
    agree(project.items.last(), "bird", source="import")
    assert training.keep_schedules(now() + timedelta(hours=7)) == 1


@pytest.mark.parametrize("state", ["paused", "archived"])
def test_a_schedule_rests_with_its_project(state):
    project = a_taught_project(agreed=2, retrain_when="schedule", retrain_hours=6)
    Project.objects.update(state=state)
    assert training.keep_schedules(now() + timedelta(hours=7)) == 0 and not project.runs.exists()


def test_a_run_that_failed_is_not_asked_for_again_before_its_hour():
    a_taught_project(agreed=2, retrain_when="schedule", retrain_hours=6)
    assert training.keep_schedules(now() + timedelta(hours=7)) == 1
    TrainingRun.objects.update(state=State.FAILED)
    assert training.keep_schedules(now() + timedelta(hours=8)) == 0


# --- from what -------------------------------------------------------------------------------------------------------


def known(project):
    project.refresh_from_db()
    return dataset.read(project).known


def test_a_cumulative_set_keeps_what_earlier_runs_learned_from():
    project = a_taught_project(agreed=2)
    run(project)
    agree(project.items.last(), "bird")
    assert known(project) == 7


def test_a_reinitialised_set_holds_what_is_new_since_the_published_run():
    project = a_taught_project(agreed=2, training_set="reinitialised")
    assert known(project) == 6
    run(project)
    agree(project.items.last(), "bird")
    assert known(project) == 1
    assert run(project).training_items == 1


def test_nothing_new_is_nothing_to_learn_where_the_set_is_reinitialised():
    project = a_taught_project(agreed=2, training_set="reinitialised")
    run(project)
    failed = run(project)
    assert failed.state == State.FAILED and "since run 1 read the answers" in failed.message


def test_a_failed_run_leaves_the_set_as_it_was():
    project = a_taught_project(agreed=2, training_set="reinitialised")
    run(project)
    agree(project.items.last(), "bird")
    assert run(project, classifier="crystal_ball").state == State.FAILED
    assert known(project) == 1


def test_where_all_answers_train_an_answer_is_new_before_anything_is_agreed():
    project = a_taught_project(agreed=2, training_set="reinitialised", train_on="evidence", agree_count=2)
    run(project)
    item = a_record(project, "dog")
    query = a_query(project, "categories", [item])
    worker = a_worker(project)
    assignment = asking.next_assignment(worker, now=now())
    assert assignment.query == query
    answering.record(assignment, an_answer(query, ["dog"]), now=now())
    assert not Consensus.objects.agreed().filter(item=item).exists()
    assert known(project) == 1


def test_a_reinitialised_set_may_not_hold_a_single_item_at_a_time():
    project = a_project()
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.filter(pk=project.pk).update(retrain_when="at_once", training_set="reinitialised")


# --- until when ------------------------------------------------------------------------------------------------------


def test_without_a_target_confidence_asking_goes_on_however_sure_the_classifier_is():
    project = a_taught_project(queue_size=4, target_confidence=0.0, certain=1.0)
    run(project)
    assert selecting.refill(project).code == "reached"
    Project.objects.update(target_confidence=None)
    assert selecting.refill(project).opened


def test_asking_ends_when_as_much_is_spent_as_was_to_be():
    project = a_project(items=20, target_spent=65, cell_price=10, agree_count=1, wanted=1, queue_size=6)
    selecting.refill(project)
    assert project.queries.open().count() == 2  # thirty each, three cells of ten
    worker = a_worker(project)
    for _ in range(2):
        held = asking.next_assignment(worker, now=now())
        asking.end(held, "answered", now())
    Project.objects.update(refill_requested=None)
    assert selecting.refill(project).code == "spent"
    with pytest.raises(asking.NothingToAsk) as refusal:
        asking.next_assignment(worker, now=now())
    assert refusal.value.code == "spent"


def test_two_offers_cannot_both_take_what_is_left_to_spend():
    project = a_project(target_spent=40, cell_price=10)
    for _ in range(2):
        a_query(project, "categories", wanted=1)
    first, second = a_worker(project), a_worker(project)
    assert asking.next_assignment(first, now=now()).reward == 30
    with pytest.raises(asking.NothingToAsk) as refusal:
        asking.next_assignment(second, now=now())
    assert refusal.value.code == "budget" and project.budget.reserved == 30


def test_a_target_certificate_wants_a_certificate_and_the_share():
    project = a_sure_project(items=300, target_confidence=None, target_decided=0.8)
    assert ending.reached(project, selecting.read(project)) == ""
    certificate = certify(project)
    assert certificate.accepted == 250 and ending.decided(selecting.read(project)) == 1
    assert ending.reached(project, selecting.read(project)) == "certified"
    for _ in range(100):
        an_item(project)
    assert ending.decided(selecting.read(project)) == 0.75
    assert ending.reached(project, selecting.read(project)) == ""


def test_an_audit_begins_when_it_would_reach_the_target_certificate():
    project = a_sure_project(items=300, target_confidence=None)
    sure, unsure = np.tile([0.98, 0.01, 0.01], (210, 1)), np.tile([0.4, 0.35, 0.25], (90, 1))
    publish(project, np.vstack([sure, unsure]))
    selecting.refill(project)
    assert not project.audits.exists()
    Project.objects.update(target_decided=0.4)
    selecting.refill(project)
    assert project.audits.get().state == "open"


def test_a_target_certificate_needs_a_share_that_may_be_wrong():
    project = a_project()
    with pytest.raises(IntegrityError), transaction.atomic():
        Project.objects.filter(pk=project.pk).update(target_decided=0.9)


# --- the pages -------------------------------------------------------------------------------------------------------


@pytest.fixture
def owner():
    project = a_taught_project(agreed=2, instructions="Say what it is.")
    client = Client()
    client.force_login(project.members.get(role="owner").user)
    client.project = project
    return client


def told(client, name="project"):
    return " ".join(page(client, client.project, name).content.decode().split())


def save(client, **changes):
    """The settings as they are shown, with these changes."""
    form = page(client, client.project, "project_settings").context["form"]
    shown = {field.html_name: field.value() for _, _, fields in form.groups() for field in fields}
    shown = {name: "" if value is None else value for name, value in shown.items()}
    return client.post(reverse("project_settings", args=[client.project.slug]), shown | changes)


def test_the_page_says_what_the_next_run_waits_for(owner):
    assert "6 of the 20 newly agreed items" in told(owner)
    Project.objects.update(retrain_when="at_once")
    assert "A run starts at once when something is newly agreed" in told(owner)
    Project.objects.update(retrain_when="schedule", retrain_hours=5)
    assert "if anything is newly agreed by then; so far 6." in told(owner)
    Project.objects.update(created=now() - timedelta(hours=9))
    assert "6 newly agreed: the next run starts within a minute." in told(owner)


def test_asking_has_ended_though_the_exam_goes_on():
    project = a_taught_project(exam_share=1.0, target_confidence=0.0)
    run(project)
    assert selecting.refill(project).opened == 0 and project.queries.open().filter(purpose="exam").exists()
    assert Project.objects.get().emptied == "reached"


@pytest.mark.parametrize(
    "code, words",
    [
        ("reached", "The mean confidence has reached"),
        ("certified", "As large a share of the items is decided"),
        ("spent", "As much is spent as the project is to spend"),
        ("budget", "The budget does not pay for another query"),
        ("done", "Nothing is left that is worth asking"),
    ],
)
def test_the_page_says_why_asking_has_ended(owner, code, words):
    assert "Asking has ended" not in told(owner)
    Project.objects.update(emptied=code)
    assert f"Asking has ended. {words}" in told(owner)


def test_new_terms_ring_for_queries_where_asking_had_ended(owner):
    Project.objects.update(emptied="reached")
    assert save(owner, target_confidence="").status_code == 302
    changed = Project.objects.get()
    assert changed.target_confidence is None and changed.refill_requested


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"retrain_when": "at_once", "training_set": "reinitialised"}, "Each run would learn from one item"),
        ({"target_decided": "90"}, "Nothing is certified yet"),
        ({"retrain_hours": "0"}, "greater than or equal to 1"),
    ],
)
def test_policies_that_make_no_sense_are_refused_with_a_sentence(owner, changes, said):
    reply = save(owner, **changes)
    assert reply.status_code == 422 and said in reply.content.decode()
