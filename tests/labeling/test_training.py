"""The life of a run: requested once, executed once, published in one step; what fails says why and changes nothing."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import storages
from django.db import transaction
from django_q.models import OrmQ

from labeling import arrays, dataset, learning, opening, selecting, training
from labeling.models import Category, Consensus, Gold, Item, Project, Query, TrainingRun
from segmentation.classical import logistic_regression
from tests.making import a_project, a_query, a_worker, now
from tests.teaching import PLACES, a_record, a_taught_project, agree

pytestmark = pytest.mark.django_db
State = TrainingRun.State


@pytest.fixture(autouse=True)
def a_house_of_its_own(settings, tmp_path):
    """Arrays in a folder of the test, and classifiers that go wrong beside one that learns quickly."""
    settings.STORAGES = settings.STORAGES | {
        "arrays": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    }
    settings.ARRAYS_CACHE = tmp_path / "cache"
    wrong = {name: (name, f"tests.labeling.test_training.{name}") for name in ("raising", "worse", "nan", "narrow")}
    settings.CLASSIFIERS = settings.CLASSIFIERS | wrong


class Wrong:
    """A classifier that does what it should not."""

    def __init__(self, act):
        self.act = act

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y):
        self.shape = y.shape
        self.act(self)
        return self

    def predict_proba(self, X):
        return self.found


def raising(exclusive, random_state):
    def act(self):
        raise ArithmeticError("the matrix fell over")

    return Wrong(act)


def worse(exclusive, random_state):
    return says(lambda shape: np.tile(np.eye(shape[1])[-1] * 0.97 + 0.01, (shape[0], 1)))


def nan(exclusive, random_state):
    return says(lambda shape: np.full(shape, np.nan))


def narrow(exclusive, random_state):
    return says(lambda shape: np.full((shape[0], shape[1] - 1), 0.5))


def says(probabilities):
    return Wrong(lambda self: vars(self).update(found=probabilities(self.shape)))


# --- a project with something to learn -------------------------------------------------------------------------------


def examine(project, count=51):
    """Items that people agree on and that are kept to measure."""
    for at in range(count):
        name = list(PLACES)[at % 3]
        item = a_record(project, name, lot=0.01)
        a_query(project, "categories", [item], purpose="exam", state="closed")
        agree(item, name)
    project.refresh_from_db()


def run(project, **fields):
    Project.objects.filter(pk=project.pk).update(**fields)
    project.refresh_from_db()
    done = training.execute(training.request(project, "by hand", now=now(), seed=1))
    project.refresh_from_db()
    return done


def bells():
    return OrmQ.objects.filter(key="training").count()


def kept_arrays():
    return sorted(path.name.split("-")[0] for path in Path(storages["arrays"].location).rglob("*.npy"))


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
    training.start(running)
    OrmQ.objects.all().delete()
    assert swept(running) == 1 == bells()
    assert (running.state, running.attempt) == (State.QUEUED, 1) and "another attempt" in running.message
    assert training.start(running) and running.attempt == 2


def test_a_run_that_gives_signs_of_life_is_left_alone():
    running = training.request(a_project(), "by hand", now=now())
    training.start(running)
    assert swept(running, heartbeat=now() + timedelta(minutes=4)) == 0
    assert running.state == State.RUNNING


def test_after_three_deaths_a_run_has_failed_with_a_sentence():
    running = training.request(a_project(), "by hand", now=now())
    for _ in range(3):
        assert training.start(running)
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
    training.start(orphan)
    learned = learning.learn(orphan, training.reporter(orphan))
    swept(TrainingRun.objects.get())
    successor = TrainingRun.objects.get()
    assert training.start(successor)
    training.report(orphan, 0.7, "I am alive")
    assert not training.publish(orphan, learned) and not training.finish(orphan, State.FAILED, "It is over.")
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


# --- promotion -------------------------------------------------------------------------------------------------------


def test_a_worse_classifier_is_refused_and_the_old_one_stays():
    project = a_taught_project()
    examine(project)
    first = run(project)
    refused = run(project, classifier="worse")
    assert refused.state == State.REFUSED and refused.message.startswith("Refused: on 51 exam items")
    assert project.published == first
    assert refused.metrics["accuracy"] < first.metrics["accuracy"]


def test_below_fifty_exam_items_a_worse_classifier_is_published_as_not_judged():
    project = a_taught_project()
    examine(project, 9)
    run(project)
    done = run(project, classifier="worse")
    assert done.state == State.DONE and "not enough to judge" in done.message
    assert project.published == done


def test_a_better_classifier_is_published():
    project = a_taught_project()
    examine(project)
    run(project, classifier="worse")
    better = run(project, classifier="logistic_regression")
    assert better.state == State.DONE and project.published == better
    assert better.metrics["accuracy"] > 0.85


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_new_category_does_not_bar_the_next_classifier(exclusive):
    project = a_taught_project(exclusive=exclusive)
    examine(project)
    run(project)
    opening.add_categories(project, ["fish"])
    project = Project.objects.get()
    if not exclusive:  # what the old one never saw, people have said of the exam by now
        for item in project.items.filter(lot__lt=0.05):
            agree(item, "fish", degree=0.0)
        agree(project.items.filter(lot__gt=0.05).first(), "fish", degree=1.0)
        for item in project.items.filter(lot__gt=0.05)[1:5]:
            agree(item, "fish", degree=0.0)
    second = run(project)
    assert second.state == State.DONE and "51 exam items" in second.message


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_worse_classifier_is_refused_also_after_a_new_category(exclusive):
    project = a_taught_project(exclusive=exclusive)
    examine(project)
    run(project)
    opening.add_categories(project, ["fish"])
    assert run(Project.objects.get(), classifier="worse").state == State.REFUSED


def test_people_who_disagree_on_an_exam_item_do_not_take_it_out_of_the_exam():
    project = a_taught_project()
    item = a_record(project, "cat", lot=0.01)
    a_query(project, "categories", [item], purpose="exam", state="closed")
    for name, degree in (("cat", 0.6), ("dog", 0.4), ("bird", 0.0)):
        agree(item, name, degree=degree, judgments=5, agreed=False)
    assert run(project).metrics["exam_items"] == 1


@pytest.mark.parametrize("degree, judgments", [(0.5, 2), (1.0, 1)])
def test_a_tie_and_too_few_people_are_no_truth_to_examine_by(degree, judgments):
    project = a_taught_project()
    item = a_record(project, "cat", lot=0.01)
    a_query(project, "categories", [item], purpose="exam", state="closed")
    agree(item, "cat", degree=degree, judgments=judgments, agreed=False)
    assert run(project).metrics["exam_items"] == 0


def test_the_mean_confidence_is_over_what_can_still_be_agreed():
    project = a_taught_project(agreed=0, unknown=2)
    data = dataset.Dataset(project, *places_of(project), list(project.categories.all()), np.ones((6, 3)))
    agreed, withdrawn, gold, *left = project.items.all()
    agree(agreed, "cat")
    Item.objects.filter(pk=withdrawn.pk).update(withdrawn=True)
    Gold.objects.create(item=gold, category=project.categories.first(), degree=1.0)
    probability = np.tile([1.0, 0.0, 0.0], (6, 1))
    probability[3:] = [0.6, 0.2, 0.2]
    metrics, _ = learning.evaluate(data, probability)
    assert len(left) == 3 and metrics["mean_confidence"] == pytest.approx(0.6)


def places_of(project):
    return (np.array(project.items.values_list(field, flat=True)) for field in ("pk", "row"))


def test_arrays_that_nobody_reads_are_deleted():
    project = a_taught_project()
    runs = [run(project, classifier=name) for name in ["logistic_regression", "worse"] * 3]
    for one in runs:
        one.refresh_from_db()
    assert [bool(one.arrays) for one in runs] == [False] * 3 + [True] * 3
    assert all(arrays.load(one.arrays["probability"]).shape for one in runs[3:])
    assert kept_arrays().count("features") == 1


def test_the_published_arrays_stay_however_many_are_refused():
    project = a_taught_project()
    examine(project)
    first = run(project)
    for _ in range(4):
        assert run(project, classifier="worse").state == State.REFUSED
    first.refresh_from_db()
    assert project.published == first and arrays.load(first.arrays["probability"]).any()


# --- dataset ---------------------------------------------------------------------------------------------------------


def target(project, item):
    data = dataset.read(project)
    return data.targets[data.items.tolist().index(item.pk)]


@pytest.mark.parametrize("purpose", ["exam", "audit"])
def test_what_is_asked_to_measure_never_trains(purpose):
    project = a_taught_project()
    measured = a_record(project, "cat")
    a_query(project, "categories", [measured], purpose=purpose, state="closed")
    agree(measured, "cat")
    assert (target(project, measured) == 1).all()
    assert dataset.read(project).known == 12


def test_gold_never_trains():
    project = a_taught_project()
    gold = a_record(project, "cat")
    agree(gold, "cat")
    Gold.objects.create(item=gold, category=project.categories.first(), degree=1.0)
    assert (target(project, gold) == 1).all()


def test_a_no_that_people_agree_on_is_knowledge():
    project = a_taught_project()
    item = a_record(project, "cat")
    agree(item, "bird", degree=0.0, agreed=False)
    assert target(project, item).tolist() == [1.0, 1.0, dataset.NO]
    agree(item, "cat")
    assert target(project, item).tolist() == [1.0, 0.0, 0.0]


def test_a_single_no_trains_only_where_all_evidence_does():
    project = a_taught_project()
    item = a_record(project, "cat")
    agree(item, "bird", degree=0.0, judgments=1, agreed=False)
    assert target(project, item).tolist() == [1.0, 1.0, 1.0]
    project.train_on = Project.TrainOn.EVIDENCE
    assert target(project, item).tolist() == pytest.approx([1.0, 1.0, 0.02 / 0.49])


def test_a_single_yes_speaks_for_its_category_and_not_for_the_others():
    project = a_taught_project(train_on=Project.TrainOn.EVIDENCE)
    item = a_record(project, "cat")
    agree(item, "dog", degree=1.0, judgments=1, agreed=False)  # posterior 0.98
    assert target(project, item).tolist() == pytest.approx([0.01 / 0.98, 1.0, 0.01 / 0.98])


def test_evidence_on_every_category_is_as_likely_as_the_posteriors():
    project = a_taught_project(train_on=Project.TrainOn.EVIDENCE)
    item = a_record(project, "cat")
    for name, posterior in (("cat", 0.6), ("dog", 0.3), ("bird", 0.1)):
        agree(item, name, degree=0.4, judgments=3, agreed=False)
        Consensus.objects.filter(item=item, category__name=name).update(posterior=posterior)
    assert target(project, item).tolist() == pytest.approx([1.0, 0.5, 1 / 6])


def test_the_surest_yes_is_still_a_yes_and_a_category_that_came_later_is_no_surer_no_than_the_others():
    sure, widened = dataset.likelihood(np.array([[0.9999, np.nan, np.nan], [0.9, 0.1, np.nan]]))
    assert sure.tolist() == [1.0, dataset.NO, dataset.NO]
    assert widened == pytest.approx([1.0, 1 / 9, 1 / 9])


def test_judgments_that_were_set_aside_are_no_evidence():
    project = a_taught_project(train_on=Project.TrainOn.EVIDENCE)
    item = a_record(project, "cat")
    agree(item, "dog", degree=0.5, judgments=0, agreed=False)
    assert target(project, item).tolist() == [1.0, 1.0, 1.0]


def test_all_evidence_on_several_categories_is_the_probability_of_a_yes():
    project = a_taught_project(exclusive=False, train_on=Project.TrainOn.EVIDENCE)
    item = a_record(project, "cat")
    agree(item, "cat", degree=0.75)
    agree(item, "dog", degree=0.25, judgments=1, agreed=False)
    agree(item, "bird", degree=0.5, judgments=0, agreed=False)
    assert target(project, item).tolist() == pytest.approx([0.74, 0.26, np.nan], nan_ok=True)


def test_where_categories_are_not_exclusive_degrees_train_and_the_rest_is_unknown():
    project = a_taught_project(exclusive=False)
    item = a_record(project, "cat")
    agree(item, "cat", degree=0.75)
    agree(item, "dog", degree=0.0)
    agree(item, "bird", degree=0.5, agreed=False)
    assert target(project, item).tolist() == [0.75, 0.0, pytest.approx(np.nan, nan_ok=True)]
    assert run(project).state == State.DONE


def test_imported_answers_train():
    project = a_taught_project()
    item = a_record(project, "cat")
    agree(item, "cat", source="import", judgments=0)
    assert target(project, item).tolist() == [1.0, 0.0, 0.0]


# --- features, and what comes while a run learns ---------------------------------------------------------------------


def test_features_are_made_anew_only_when_items_have_come():
    project = a_taught_project()
    first, second = run(project), run(project)
    a_record(project, "cat")
    third = run(project)
    paths = [one.arrays["features"]["path"] for one in (first, second, third)]
    assert paths[0] == paths[1] != paths[2]
    assert third.arrays["features"]["shape"][0] == project.rows


@pytest.mark.parametrize("exclusive", [True, False])
def test_items_categories_and_answers_that_come_while_it_learns_do_not_disturb_a_run(exclusive, monkeypatch):
    project = a_taught_project(exclusive=exclusive)
    examine(project, 3)
    fit = learning.fit

    def meanwhile(*args):
        new = a_record(project, "bird")
        Category.objects.create(project=project, name="fish", column=3)
        Project.objects.filter(pk=project.pk).update(columns=4)
        a_query(project, "categories", [new], purpose="exam", state="closed")
        agree(new, "fish")
        return fit(*args)

    monkeypatch.setattr(learning, "fit", meanwhile)
    done = run(project)
    assert done.state == State.DONE, done.message
    assert done.metrics["exam_items"] == 3 and set(done.metrics["by_category"]) == set(PLACES)
    monkeypatch.setattr(learning, "fit", fit)
    selecting.refill(project, random_state=0)
    assert run(project).state == State.DONE


def test_items_that_come_between_the_reading_of_answers_and_of_contents_wait_for_the_next_run(monkeypatch):
    project = a_taught_project()
    read = dataset.read

    def meanwhile(project):
        data = read(project)
        a_record(project, "bird")
        return data

    monkeypatch.setattr(dataset, "read", meanwhile)
    done = run(project)
    assert done.state == State.DONE, done.message
    monkeypatch.setattr(dataset, "read", read)
    assert arrays.load(run(project).arrays["probability"]).shape[0] == project.rows


def test_a_seed_makes_a_run_reproducible():
    project = a_taught_project()
    first, second = (arrays.load(run(project).arrays["probability"]) for _ in range(2))
    assert np.array_equal(first, second)


def test_ratings_are_counted_anew_when_a_run_is_published():
    project = a_taught_project()
    worker = a_worker(project, agreed=40, judged=50, rating=0.9)
    run(project)
    worker.refresh_from_db()
    assert (worker.agreed, worker.judged) == (0, 0)


def test_the_quick_classifier_of_these_tests_is_the_one_of_the_house():
    assert logistic_regression(exclusive=True, random_state=0).fit([[0.0], [1.0]], np.eye(2)).predict([[1.0]]) == [1]


@pytest.mark.parametrize("exclusive", [True, False])
def test_how_sure_it_is_on_the_exam_stands_beside_how_right_it_is(exclusive):
    project = a_taught_project(exclusive=exclusive)
    examine(project)
    data = dataset.read(project)
    probability = np.full(data.shape, 0.3, np.float32)
    probability[:, 0] = 0.4
    metrics, _ = learning.evaluate(data, probability)
    expected = 0.4 if exclusive else (0.6 + 0.7 + 0.7) / 3  # of the cells somebody judged, a third of each category
    assert metrics["exam_confidence"] == pytest.approx(expected, abs=1e-6)
