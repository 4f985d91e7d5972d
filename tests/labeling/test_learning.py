"""What a run learns: targets and features as stored, and a classifier published only if the exam allows it."""

import numpy as np
import pytest

from labeling import arrays, dataset, learning, opening, selecting
from labeling.models import Category, Consensus, Gold, Item, Project, TrainingRun
from segmentation.classical import logistic_regression
from tests.making import a_query, a_worker
from tests.teaching import PLACES, a_record, a_taught_project, agree, examine, kept_arrays, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("misled")]
State = TrainingRun.State


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
    assert target(project, item).tolist() == pytest.approx([1.0, 1.0, 0.02 / 0.98])


def test_a_single_yes_speaks_for_its_category_and_not_for_the_others():
    project = a_taught_project(train_on=Project.TrainOn.EVIDENCE)
    item = a_record(project, "cat")
    agree(item, "dog", degree=1.0, judgments=1, agreed=False)  # posterior 0.98
    assert target(project, item).tolist() == pytest.approx([0.02 / 0.98, 1.0, 0.02 / 0.98])


def test_targets_are_as_likely_as_the_evidence_of_people_whatever_the_posterior_holds():
    project = a_taught_project(train_on=Project.TrainOn.EVIDENCE)
    item = a_record(project, "cat")
    for name, likelihood in (("cat", 0.6), ("dog", 0.3), ("bird", 0.1)):
        agree(item, name, degree=0.4, judgments=3, agreed=False)
        Consensus.objects.filter(item=item, category__name=name).update(evidence=np.log(likelihood), posterior=0.33)
    assert target(project, item).tolist() == pytest.approx([1.0, 0.5, 1 / 6])


def test_the_surest_yes_is_still_a_yes():
    project = a_taught_project(train_on=Project.TrainOn.EVIDENCE)
    item = a_record(project, "cat")
    agree(item, "cat", judgments=9, agreed=False)
    Consensus.objects.filter(item=item).update(evidence=50.0)
    assert target(project, item).tolist() == [1.0, dataset.NO, dataset.NO]


def test_a_category_added_later_is_unknown_in_what_was_agreed_before():
    project = a_taught_project()
    old, new = a_record(project, "cat"), a_record(project, "cat")
    agree(old, "cat")
    opening.add_categories(project, ["fish"])
    agree(new, "cat")
    assert target(project, old).tolist() == [1.0, 0.0, 0.0, dataset.LATER]
    assert target(project, new).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_what_is_agreed_by_its_posterior_trains_by_the_evidence_of_people_alone():
    project = a_taught_project(agree_by=Project.AgreeBy.POSTERIOR)
    item = a_record(project, "cat")
    agree(item, "cat")
    Consensus.objects.filter(item=item).update(posterior=0.99, evidence=np.log(2))
    assert target(project, item).tolist() == pytest.approx([1.0, 0.5, 0.5])


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


def test_an_items_own_answers_never_make_its_prior():
    project = a_taught_project(agreed=8)
    item = project.items.order_by("row").first()
    first = run(project)
    Consensus.objects.filter(item=item).delete()
    agree(item, "bird")
    second = run(project)
    before, after = (arrays.load(one.arrays["prior"])[item.row] for one in (first, second))
    assert np.array_equal(before, after)
    spoken = [arrays.load(one.arrays["probability"])[item.row] for one in (first, second)]
    assert not np.array_equal(*spoken)
    mass = arrays.load(second.arrays["mass"])
    assert mass.shape == (project.rows,) and (mass > 0).all()


def test_where_hardly_anything_is_known_there_is_no_prior():
    assert "prior" not in run(a_taught_project(agreed=3)).arrays


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
