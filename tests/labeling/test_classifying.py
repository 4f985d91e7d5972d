"""Items that come after a run are classified by it before the next one, once, whatever dies or comes between."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError
from django.test import Client
from django_q.models import OrmQ

from labeling import arrays, artifacts, attempts, board, classifying, importing, opening, training
from labeling.models import Classification, Project, TrainingRun
from tests.making import a_project, an_item, now
from tests.teaching import PLACES, a_record, a_taught_project, agree, kept_arrays, run
from tests.visiting import page, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("misled")]
State = attempts.State
KEEPING = ["logistic_regression", "bayesian_network", "evolved_rules", "deep_segmentation"]


def rows_of(project, names=("cat", "dog", "bird"), first=0):
    """What an import brings: records that a classifier can tell apart."""
    random = np.random.default_rng(7)
    for at, name in enumerate(names, first):
        x, y = PLACES[name] + random.normal(size=2) / 2
        yield {"id": f"later {at}", "values": {"x": float(x), "y": float(y)}}


def bring(project, names=("cat", "dog", "bird"), first=0):
    importing.import_rows(project, rows_of(project, names, first))
    project.refresh_from_db()
    return project.published and project.published.classifications.first()


def a_learned_project(**fields):
    project = a_taught_project(**fields)
    assert run(project).state == State.DONE
    OrmQ.objects.all().delete()
    return project


def published(project):
    project.refresh_from_db()
    return arrays.load(project.published.arrays["probability"])


def bells(task="classify"):
    return sum(one.task["func"] == f"labeling.tasks.{task}" for one in OrmQ.objects.all())


# --- at import -------------------------------------------------------------------------------------------------------


def test_until_they_are_classified_nothing_is_known_of_new_items():
    project = a_learned_project()
    assert bring(project).state == State.QUEUED
    seen = board.read(project)
    assert (seen.probability[-3:] == np.float32(1 / 3)).all() and seen.askable[-3:].all()
    assert classifying.behind(project) == 3


@pytest.mark.parametrize("classifier", KEEPING)
def test_an_import_rings_and_new_items_join_the_doubt_before_the_next_run(classifier):
    project = a_learned_project(classifier=classifier)
    before = np.array(published(project))
    new = bring(project)
    assert bells() == 1 and bells("refill") == 0
    done = classifying.execute(new)
    assert done.state == State.DONE, done.message
    assert published(project)[:-3] == pytest.approx(before)
    seen = board.read(project)
    assert seen.probability[-3:].argmax(axis=1).tolist() == [0, 1, 2]
    assert seen.probability[-3:].sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert classifying.behind(project) == 0 and bells("refill") == 1 and project.runs.count() == 1


def test_where_several_categories_are_possible_each_is_classified():
    project = a_learned_project(exclusive=False)
    classifying.execute(bring(project))
    assert published(project).shape == (project.rows, 3) and np.isfinite(published(project)[-3:]).all()


def test_an_import_before_the_first_run_has_nothing_to_be_classified_by():
    project = a_taught_project()
    assert bring(project) is None and bells() == 0


def test_the_same_import_again_classifies_nothing_twice():
    project = a_learned_project()
    classifying.execute(bring(project))
    OrmQ.objects.all().delete()
    assert bring(project).state == State.DONE and bells() == 0
    assert classifying.request(project, now()) is None


def test_a_message_delivered_twice_classifies_once():
    project = a_learned_project()
    new = bring(project)
    again = Classification.objects.get()
    classifying.execute(new)
    pointer = TrainingRun.objects.get().arrays["probability"]
    assert classifying.execute(again).attempt == 1
    assert TrainingRun.objects.get().arrays["probability"] == pointer


def test_what_is_imported_meanwhile_is_classified_next(monkeypatch):
    project = a_learned_project()
    new = bring(project)
    classify = artifacts.classify

    def meanwhile(*args):
        if project.items.count() == 24:
            bring(project, ["dog"], first=10)
        return classify(*args)

    monkeypatch.setattr(artifacts, "classify", meanwhile)
    classifying.execute(new)
    follower = project.published.classifications.first()
    assert (follower.state, follower.rows) == (State.QUEUED, 25)
    assert classifying.execute(follower).state == State.DONE
    assert published(project).shape[0] == 25 and np.isfinite(published(project)).all()


def test_blocks_classify_as_one_and_leave_rows_without_an_item_unknown(monkeypatch):
    project = a_learned_project()
    new = bring(project, [name for name in PLACES for _ in range(10)])
    project.items.filter(identifier="later 4").delete()
    run_of = project.published
    pointer = classifying.grown(new, lambda done, message: None)
    monkeypatch.setattr(classifying, "BLOCK", 7)
    told = []
    in_blocks = classifying.grown(new, lambda done, message: told.append((round(done, 2), message)))
    whole = arrays.load(pointer)
    assert np.array_equal(arrays.load(in_blocks), whole, equal_nan=True)
    assert np.isnan(whole[21 + 4]).all() and np.isfinite(np.delete(whole, 25, axis=0)).all()
    assert len(told) == 5 and told[-1] == (1.0, "Classified 30 of 30 new items")
    assert run_of.arrays["probability"]["shape"] == [21, 3]


# --- texts: features are made as the run made them ------------------------------------------------------------------


def test_new_texts_are_read_as_the_run_read_its_own():
    project = a_project(categories=("cat", "dog"), classifier="logistic_regression")
    for at in range(12):
        name = ("cat", "dog")[at % 2]
        agree(an_item(project, text=f"this {name} is number {at}"), name)
    project.refresh_from_db()
    run(project)
    rows = [{"id": "a", "text": "one more dog is here"}, {"id": "b", "text": "another cat is number 99"}]
    importing.import_rows(project, rows)
    classifying.execute(Classification.objects.get())
    assert published(project)[-2:].argmax(axis=1).tolist() == [1, 0]


# --- what cannot be classified ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("classifier", ["random_forest", "combination", "label_spreading"])
def test_a_classifier_without_a_form_of_arrays_leaves_new_items_unknown(classifier):
    project = a_learned_project(classifier=classifier)
    assert bring(project) is None and bells() == 0 and bells("refill") == 1
    assert classifying.behind(project) == 3
    assert "kept nothing by which items that came later" in artifacts.why_not(project.published)
    assert classifying.sweep(now()) == 0
    assert (board.read(project).probability[-3:] == np.float32(1 / 3)).all()


def test_a_damaged_artifact_is_told_by_its_hash_before_it_is_read():
    project = a_learned_project()
    new = bring(project)
    path = arrays.local_path(project.published.arrays["classifier"]["path"])
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    failed = classifying.execute(new)
    assert failed.state == State.FAILED and "is damaged" in failed.message
    assert published(project).shape[0] == 21


def test_features_made_differently_now_are_not_mistaken_for_the_run_s(settings):
    project = a_learned_project()
    new = bring(project)
    settings.FEATURES = settings.FEATURES | {"record": "segmentation.features.TextFeatures"}
    failed = classifying.execute(new)
    assert failed.state == State.FAILED and "made differently since run 1" in failed.message


def test_what_failed_is_not_tried_again_by_every_sweep_but_by_the_next_import(settings):
    project = a_learned_project()
    new = bring(project)
    Classification.objects.update(state=State.FAILED)
    OrmQ.objects.all().delete()
    assert classifying.sweep(now() + timedelta(minutes=5)) == 0 == bells()
    assert bring(project, ["cat"], first=20).pk != new.pk and bells() == 1


def test_a_category_that_came_after_the_run_stays_unknown():
    project = a_learned_project()
    opening.add_categories(project, ["fish"])
    classifying.execute(bring(project))
    assert published(project).shape == (24, 3)
    assert (board.read(project).probability[-3:, 3] == np.float32(1 / 4)).all()


# --- what comes between ----------------------------------------------------------------------------------------------


def test_a_run_published_meanwhile_wins(monkeypatch):
    project = a_learned_project()
    new = bring(project)
    classify = artifacts.classify

    def meanwhile(*args):
        found = classify(*args)
        run(project)
        return found

    monkeypatch.setattr(artifacts, "classify", meanwhile)
    old = project.published
    late = classifying.execute(new)
    project.refresh_from_db()
    assert late.state == State.REFUSED and "Another run was published" in late.message
    assert project.published.number == 2 and classifying.behind(project) == 0
    assert TrainingRun.objects.get(pk=old.pk).arrays["probability"]["shape"] == [21, 3]


def test_where_another_run_was_published_before_it_began_nothing_is_read(monkeypatch):
    project = a_learned_project()
    new = bring(project)
    run(project)
    monkeypatch.setattr(classifying, "grown", lambda *args: pytest.fail("It was classified all the same."))
    late = classifying.execute(Classification.objects.get(pk=new.pk))
    assert late.state == State.REFUSED and project.published.number == 2


def test_an_orphan_turns_no_array():
    project = a_learned_project()
    orphan = bring(project)
    attempts.start(orphan)
    pointer = classifying.grown(orphan, attempts.reporter(orphan))
    Classification.objects.update(heartbeat=now() - timedelta(minutes=9))
    classifying.sweep(now())
    successor = Classification.objects.get()
    assert attempts.start(successor) and successor.attempt == 2
    assert not classifying.publish(orphan, pointer)
    assert published(project).shape[0] == 21
    assert Classification.objects.get().state == State.RUNNING
    assert classifying.publish(successor, pointer) and published(project).shape[0] == 24


def test_a_lost_bell_and_an_import_that_died_before_it_rang_are_found_by_the_sweep():
    project = a_learned_project()
    bring(project)
    OrmQ.objects.all().delete()
    assert classifying.sweep(now() + timedelta(minutes=5)) == 1 == bells()
    Classification.objects.all().delete()
    OrmQ.objects.all().delete()
    assert classifying.sweep(now()) == 1 == bells()


def test_what_came_while_a_run_was_learning_is_classified_after_it(monkeypatch):
    project = a_taught_project()
    publish = training.publish

    def meanwhile(*args):
        a_record(project, "dog")
        return publish(*args)

    monkeypatch.setattr(training, "publish", meanwhile)
    run(project)
    assert classifying.execute(Classification.objects.get()).state == State.DONE
    assert np.isfinite(published(project)).all() and len(published(project)) == 22


def test_readers_keep_the_version_before_and_older_ones_are_deleted():
    project = a_learned_project()
    for first in (0, 10, 20):
        classifying.execute(bring(project, first=first))
    assert kept_arrays().count("probability") == 2
    assert len(published(project)) == 30


def test_a_run_may_not_classify_twice_at_a_time():
    project = a_learned_project()
    bring(project)
    with pytest.raises(IntegrityError):
        Classification.objects.create(run=project.published, rows=1, requested=now())


def test_the_run_after_learns_from_all_and_knows_them():
    project = a_learned_project()
    classifying.execute(bring(project))
    agree(project.items.last(), "bird")
    assert run(project).state == State.DONE
    assert Project.objects.get().published.number == 2 and published(project).shape[0] == 24


# --- the pages -------------------------------------------------------------------------------------------------------


def told(project, name="project"):
    client = Client()
    client.force_login(project.members.get(role="owner").user)
    return " ".join(text(page(client, project, name)).split())


@pytest.mark.parametrize("name", ["project", "project_items"])
def test_the_pages_show_how_far_new_items_are_classified(name):
    project = a_learned_project()
    assert "new item" not in told(project, name)
    new = bring(project)
    assert "3 new items" in told(project, name) and "Waiting for the training cluster" in told(project, name)
    attempts.start(new)
    attempts.report(new, 0.5, "Classified 1 of 3 new items")
    assert 'value="0.5"' in told(project, name) and "Classified 1 of 3 new items." in told(project, name)
    attempts.finish(new, State.FAILED, "The disk is full.")
    assert "count as unknown until the next run. The disk is full." in told(project, name)


def test_the_page_says_that_a_classifier_cannot_be_kept():
    project = a_learned_project(classifier="random_forest")
    bring(project, ["cat"])
    assert "1 item came after run 1 and counts as unknown until the next run. Run 1 (Random forest)" in told(project)


def test_the_progress_of_new_items_is_asked_for_until_there_is_none():
    project = a_learned_project()
    new = bring(project)
    client = Client(headers={"HX-Request": "true"})
    client.force_login(project.members.get(role="owner").user)
    assert "3 new items" in text(page(client, project, "project_loop"))
    classifying.execute(new)
    assert page(client, project, "project_loop")["HX-Refresh"] == "true"
