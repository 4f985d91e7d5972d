"""The life of a run: requested once, executed once, published in one step; what fails says why and changes nothing."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import transaction
from django_q.models import OrmQ

from labeling import arrays, attempts, learning, training
from labeling.models import Item, Project, Query, TrainingRun
from tests.making import a_project, a_query, now
from tests.teaching import PLACES, a_record, a_taught_project, agree, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("misled")]
State = TrainingRun.State


def bells():
    return OrmQ.objects.filter(key="training").count()


# --- request ---------------------------------------------------------------------------------------------------------


def test_a_second_request_is_the_run_that_waits():
    project = a_project()
    first = training.request(project, "by hand", now=now())
    assert training.request(project, "again", now=now()) == first
    assert bells() == 1


def test_a_request_is_undone_with_its_transaction():
    project = a_project()
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        training.request(project, "by hand", now=now())
        raise KeyboardInterrupt
    assert not TrainingRun.objects.exists() and bells() == 0


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.REFUSED])
def test_a_run_that_ended_makes_room_for_the_next(state):
    project = a_project()
    first = training.request(project, "by hand", now=now())
    TrainingRun.objects.update(state=state)
    second = training.request(project, "by hand", now=now())
    assert (first.number, second.number, bells()) == (1, 2, 2)


def test_what_was_agreed_while_a_run_was_learning_asks_for_the_next_when_it_ends(monkeypatch):
    project = a_taught_project(retrain_every=2)
    fit = learning.fit

    def meanwhile(*args):
        for item in project.items.all()[5:7]:  # not agreed before
            agree(item, "cat")
        return fit(*args)

    monkeypatch.setattr(learning, "fit", meanwhile)
    run(project)
    assert [one.state for one in project.runs.order_by("number")] == [State.DONE, State.QUEUED]


@pytest.mark.parametrize("purpose", ["exam", "audit"])
def test_what_only_measures_asks_for_no_run(purpose):
    project = a_taught_project(agreed=0, retrain_every=2)
    measured = [a_record(project, "cat") for _ in range(2)]
    a_query(project, "items", measured, purpose=purpose, state="closed")
    for item in measured:
        agree(item, "cat")
    assert training.newly_agreed(project) == 0 and training.request_if_due(project, now()) is None
    for item in project.items.all()[:2]:
        agree(item, "cat")
    assert training.request_if_due(project, now())


# --- sweep -----------------------------------------------------------------------------------------------------------


def swept(run, after=timedelta(minutes=5), **fields):
    TrainingRun.objects.filter(pk=run.pk).update(**fields)
    rung = training.sweep(now() + after)
    run.refresh_from_db()
    return rung


def test_a_lost_bell_is_rung_again():
    waiting = training.request(a_project(), "by hand", now=now())
    OrmQ.objects.all().delete()
    assert swept(waiting) == 1 == bells()
    assert waiting.state == State.QUEUED


def test_a_bell_that_nobody_has_heard_yet_is_not_rung_again_at_every_sweep():
    waiting = training.request(a_project(), "by hand", now=now())
    assert swept(waiting) == swept(waiting) == 0
    assert bells() == 1


def test_a_bell_that_was_heard_and_forgotten_is_rung_again():
    waiting = training.request(a_project(), "by hand", now=now())
    OrmQ.objects.update(lock=now() + timedelta(hours=6))  # a cluster took the message and died
    assert swept(waiting) == 1 and bells() == 2


def test_a_run_just_requested_is_left_to_its_bell():
    waiting = training.request(a_project(), "by hand", now=now())
    OrmQ.objects.all().delete()
    assert swept(waiting, after=timedelta(seconds=5)) == 0


def test_a_run_whose_process_gives_no_sign_of_life_is_queued_and_rung_again():
    running = training.request(a_project(), "by hand", now=now())
    attempts.start(running)
    OrmQ.objects.all().delete()
    assert swept(running) == 1 == bells()
    assert (running.state, running.attempt) == (State.QUEUED, 1) and "another attempt" in running.message
    assert attempts.start(running) and running.attempt == 2


def test_a_run_that_gives_signs_of_life_is_left_alone():
    running = training.request(a_project(), "by hand", now=now())
    attempts.start(running)
    assert swept(running, heartbeat=now() + timedelta(minutes=4)) == 0
    assert running.state == State.RUNNING


def test_after_three_deaths_a_run_has_failed_with_a_sentence():
    running = training.request(a_project(), "by hand", now=now())
    for _ in range(3):
        assert attempts.start(running)
        OrmQ.objects.all().delete()
        rung = swept(running)
    assert running.state == State.FAILED and "died 3 times" in running.message
    assert running.finished and rung == 0 == bells()


# --- execute ---------------------------------------------------------------------------------------------------------


def test_a_run_learns_publishes_and_asks_what_the_new_classifier_doubts():
    project = a_taught_project(queue_size=4, target_confidence=1.0, certain=1.0)
    stale = a_query(project, purpose="random")
    done = run(project)
    assert (done.state, done.training_items, done.progress) == (State.DONE, 12, 1.0), done.message
    assert project.published == done and "first" in done.message
    predicted = arrays.load(done.arrays["probability"])
    assert predicted.shape == (project.rows, project.columns) and predicted.sum(axis=1) == pytest.approx(1, abs=1e-4)
    right = [list(PLACES)[row // 7] == list(PLACES)[predicted[row].argmax()] for row in range(21)]
    assert sum(right) >= 19
    assert Query.objects.get(pk=stale.pk).state == Query.State.WITHDRAWN
    opened = project.queries.open()
    assert opened and {query.run for query in opened} == {done}


def test_queries_after_a_run_are_not_those_before_it():
    project = a_taught_project(queue_size=4, target_confidence=1.0, certain=1.0)
    run(project)
    before = set(project.queries.open())
    agree(before.pop().item_list[0], "dog")
    second = run(project)
    after = set(project.queries.open())
    assert after and after.isdisjoint(before) and {query.run for query in after} == {second}


def test_a_message_delivered_twice_executes_once():
    waiting = training.request(a_taught_project(), "by hand", now=now())
    again = TrainingRun.objects.get()
    done = training.execute(waiting)
    late = training.execute(again)
    assert (late.attempt, late.state, late.finished) == (1, State.DONE, done.finished)


def test_an_orphan_neither_reports_nor_publishes_nor_refills():
    project = a_taught_project()
    orphan = training.request(project, "by hand", now=now())
    attempts.start(orphan)
    learned = learning.learn(orphan, attempts.reporter(orphan))
    swept(TrainingRun.objects.get())
    successor = TrainingRun.objects.get()
    assert attempts.start(successor)
    attempts.report(orphan, 0.7, "I am alive")
    assert not training.publish(orphan, learned) and not attempts.finish(orphan, State.FAILED, "It is over.")
    training.carry_out(orphan)
    current = TrainingRun.objects.get()
    assert (current.state, current.attempt, current.message) == (State.RUNNING, 2, successor.message)
    assert Project.objects.get().published is None and not project.queries.exists()


def test_an_exception_in_the_classifier_fails_the_run_and_leaves_the_published_one():
    project = a_taught_project()
    first = run(project)
    failed = run(project, classifier="raising")
    assert failed.state == State.FAILED and failed.message == "ArithmeticError: the matrix fell over"
    assert failed.finished and project.published == first
    assert arrays.load(first.arrays["probability"]).any()


def test_an_exception_while_publishing_fails_the_run_and_leaves_the_published_one(monkeypatch):
    project = a_taught_project()
    first = run(project)

    def full(name, array):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arrays, "save", full)
    failed = run(project)
    assert failed.state == State.FAILED and "No space left" in failed.message
    assert project.published == first


@pytest.mark.parametrize("classifier", ["nan", "narrow"])
def test_probabilities_that_are_none_fail_the_run(classifier):
    failed = run(a_taught_project(classifier=classifier))
    assert failed.state == State.FAILED and "probabilities that are not finite numbers" in failed.message


def test_a_classifier_that_this_installation_lacks_fails_the_run_with_its_name():
    failed = run(a_taught_project(classifier="crystal_ball"))
    assert failed.state == State.FAILED and "crystal_ball" in failed.message and "KeyError" not in failed.message


def test_nothing_agreed_is_nothing_to_learn():
    failed = run(a_taught_project(agreed=0))
    assert failed.state == State.FAILED and "Nothing has been agreed yet" in failed.message


@pytest.mark.parametrize("categories, items", [([], 3), (["cat", "dog"], 0)])
def test_no_category_or_no_item_is_nothing_to_tell_apart(categories, items):
    failed = run(a_project(categories=categories, items=items, classifier="logistic_regression"))
    assert failed.state == State.FAILED and "no items, or too few categories" in failed.message


def test_one_agreed_item_is_enough_to_begin():
    project = a_taught_project(agreed=0)
    agree(project.items.first(), "cat")
    assert run(project).state == State.DONE


def test_features_that_are_all_alike_teach_nothing_and_break_nothing():
    project = a_taught_project()
    Item.objects.update(values={"x": 1.0, "y": 1.0})
    done = run(project)
    assert done.state == State.DONE
    assert np.ptp(arrays.load(done.arrays["probability"]), axis=0) == pytest.approx(0, abs=1e-6)


class Holed:
    """Features with a hole."""

    def __init__(self, random_state=None):
        pass

    def fit_transform(self, contents, progress=None):
        X = np.ones((len(contents), 2))
        X[1, 1] = np.inf
        return X


def test_features_that_are_not_finite_fail_the_run_with_a_sentence(settings):
    settings.FEATURES = settings.FEATURES | {"record": "tests.labeling.test_training.Holed"}
    failed = run(a_taught_project())
    assert failed.state == State.FAILED and "not finite numbers" in failed.message
