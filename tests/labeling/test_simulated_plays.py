"""A project's own items played by people made up: through the real flows, in a scratch database, to a table."""

import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import Count
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ

from labeling import arrays, importing
from labeling.models import Assignment, Gold, Item, Judgment, Project, Query, Reliability
from labeling.simulating import Unplayable, bells, playing, policies, sampling, scratch, seeing, staged
from labeling.simulating.crowds import Quality, crowd
from rewards.auditing import audit
from tests.making import a_project, a_run, a_worker

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "classifier": "logistic_regression", "retrain_every": 6, "cell_price": 1, "agree_by": "posterior",
    "agree_count": 1, "agree_posterior": 0.8, "train_on": "evidence", "target_confidence": 1.0, "queue_size": 20,
}  # fmt: skip


def a_known_project(items=90, known="category", **fields):
    """Records of three clear categories, all of them known beforehand."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, items)
    X = random.normal(size=(items, 4)) + 2.5 * np.eye(3, 4)[truth]
    project = a_project(media="record", **SETTINGS | fields)
    names = [category.name for category in project.categories.all()]
    rows = [
        {"id": f"i{at}", "values": {f"f{k}": float(v) for k, v in enumerate(x)}, known: names[kind]}
        for at, (x, kind) in enumerate(zip(X, truth, strict=True))
    ]
    assert not importing.import_rows(project, rows).refused
    return project


@pytest.fixture
def ringing(own_arrays):
    yield bells.listen()
    Conf.BROKER_CLASS = None
    bells.rung.clear()


def a_play(scene, policy="own", seed=1, **quality):
    people = Quality(people=12, **quality)
    found = crowd(seeing.seen(playing.features(scene), scene.matrix, 0), scene.matrix, people, scene.exclusive, seed)
    return playing.Play(scene, found, policies.named(policy), seed)


# --- the scene -------------------------------------------------------------------------------------------------------


def test_a_scene_is_a_sample_of_what_is_known_and_is_read_back_as_it_was_written(tmp_path):
    scene = sampling.scene(a_known_project(), items=70, random_state=0)
    assert (len(scene.rows), len(scene.test), scene.gold) == (70, 14, frozenset())
    assert "known of 90 items" in scene.known and scene.matrix.sum(axis=1).tolist() == [1] * 70
    assert scene.budget == 3 * 56 * 3 and scene.settings["agree_posterior"] == 0.8
    scene.write(tmp_path)
    assert staged(tmp_path) == scene


def test_gold_is_known_and_checks_people_where_the_project_does_so():
    project = a_known_project(known="gold", gold_share=0.1)
    assert Gold.objects.count() == 90 * 3 or Gold.objects.count() == 90
    scene = sampling.scene(project, items=80, random_state=0)
    assert len(scene.gold) == 4 and not scene.gold & scene.test


def test_too_little_that_is_known_is_refused_with_what_to_do():
    with pytest.raises(Unplayable, match=r"truth of 30 items is known, and 60 are needed"):
        sampling.scene(a_known_project(items=30), items=100)
    with pytest.raises(Unplayable, match="No classifier is published"):
        sampling.scene(a_known_project(), items=100, truth="classifier")


def test_where_little_is_known_the_classifiers_probabilities_are_drawn_from(own_arrays):
    project = a_project(media="text", items=200)
    probability = np.tile([0.7, 0.2, 0.1], (200, 1)).astype(np.float32)
    a_run(project, arrays={"probability": arrays.save("probability", probability)})
    scene = sampling.scene(Project.objects.get(pk=project.pk), items=200, random_state=0)
    assert scene.matrix.mean(axis=0) == pytest.approx([0.7, 0.2, 0.1], abs=0.08)
    assert "classifier" in scene.known


def test_people_are_as_this_project_has_measured_them():
    project = a_project()
    for at, rating in enumerate((0.6, 0.7, 0.8)):
        worker = a_worker(project)
        Reliability.objects.create(worker=worker, kind="categories", rating=rating, judged=50)
        Reliability.objects.create(worker=worker, kind="yes_no", rating=0.85, judged=10 * (at + 1))
    Reliability.objects.create(worker=a_worker(project), kind="categories", rating=0.1, judged=3)  # too few to tell
    found = sampling.measured(project, people=7)
    assert sorted(found.skills) == [0.6, 0.7, 0.8] and found.people == 7
    assert found.slips == pytest.approx({"categories": 1.0, "yes_no": 0.15 / 0.3})
    assert sampling.measured(a_project()).skills == ()


def test_a_policy_is_settings_over_those_the_project_has():
    project = a_project(wanted=7, cell_price=3)
    assert policies.settings_of(project)["wanted"] == 7 and "slug" not in policies.settings_of(project)
    found = policies.named("margin:wanted=5:item_worth=:agree_posterior=0.8")
    assert found.settings == {"policy": "margin", "wanted": 5, "item_worth": None, "agree_posterior": 0.8}
    assert set(Project.Policy.values) < set(policies.POLICIES)
    for sentence, text in (("no policy 'x'", "x"), ("no setting 'y'", "own:y=1"), ("wanted", "own:wanted=many")):
        with pytest.raises(Unplayable, match=sentence):
            policies.named(text)


# --- a play ----------------------------------------------------------------------------------------------------------


def test_people_made_up_are_asked_paid_and_learned_from_as_anybody_is(ringing):
    scene = sampling.scene(a_known_project(), items=80, random_state=0)
    played = a_play(scene)
    points = list(played.play())
    last, project = points[-1], played.project
    assert [one["spend"] for one in points] == sorted(one["spend"] for one in points) and len(points) > 10
    assert last["spend"] == project.budget.spent <= scene.budget
    assert last["accuracy"] > 0.85 and last["accuracy_test"] > 0.6 and last["run"] >= 2
    assert points[0]["accuracy"] < 0.6 < last["accuracy"]
    answered = Assignment.objects.answered().filter(query__project=project)
    assert last["spend"] == sum(answered.values_list("paid", flat=True)) and audit().differences == []
    assert not Query.objects.filter(project=project, items__identifier__in=scene.test).exists()
    assert OrmQ.objects.count() == 0  # nobody's cluster was rung for


def test_time_passes_as_people_take_it_and_no_faster_for_the_rest_of_us(ringing):
    before = timezone.now()
    played = a_play(sampling.scene(a_known_project(), items=70, random_state=0, budget=60))
    seconds = list(played.play())[-1]["seconds"]
    took = [row.finished - row.offered for row in Assignment.objects.answered().filter(query__project=played.project)]
    assert seconds > 15 and 1 < np.median([one.total_seconds() for one in took]) < 30
    assert abs((timezone.now() - before).total_seconds()) < 60


def test_the_same_people_and_the_same_policy_play_the_same(ringing):
    scene = sampling.scene(a_known_project(), items=70, random_state=0, budget=50)
    one, two = (list(a_play(scene).play()) for _ in range(2))
    assert [point["accuracy"] for point in one] == [point["accuracy"] for point in two]
    assert list(a_play(scene, seed=2).play()) != one


def test_a_first_answer_is_the_same_whatever_the_policy(ringing):
    """Common random numbers: what a person says of a cell does not depend on what was asked before."""
    scene = sampling.scene(a_known_project(), items=70, random_state=0, budget=60)
    said = []
    for policy in ("random", "margin"):
        played = a_play(scene, policy)
        list(played.play())
        rows = Judgment.objects.filter(worker__project=played.project, degree=1, assignment__query__kind="categories")
        rows = rows.values_list("worker__user__username", "item__identifier", "category__name")
        said.append({(who.split()[1], item): category for who, item, category in rows})
    both = said[0].keys() & said[1].keys()
    assert len(both) >= 3 and all(said[0][pair] == said[1][pair] for pair in both)


def test_a_run_on_a_schedule_comes_of_the_night(ringing):
    """When all is answered and the schedule's hours are not over, they pass."""
    scene = sampling.scene(
        a_known_project(), items=70, random_state=0, budget=80, retrain_when="schedule", retrain_hours=8
    )
    played = a_play(scene)
    last = list(played.play())[-1]
    assert last["run"] >= 1 and played.clock.seconds > 8 * 3600


def test_three_votes_ask_three(ringing):
    scene = sampling.scene(a_known_project(), items=70, random_state=0, budget=150)
    played = a_play(scene, "votes")
    list(played.play())
    asked = Query.objects.filter(project=played.project, state="closed").annotate(people=Count("assignments"))
    assert asked.exists() and set(asked.values_list("people", flat=True)) <= {2, 3}
    assert played.project.policy == "random" and played.project.train_on == "agreed"


def test_a_classifier_that_is_not_there_ends_the_play_with_its_sentence(ringing):
    scene = sampling.scene(a_known_project(), items=70, random_state=0, classifier="nothing", budget=200)
    with pytest.raises(Unplayable, match="no classifier 'nothing'"):
        list(a_play(scene).play())


def test_several_categories_an_item_are_played_too(ringing):
    random = np.random.default_rng(1)
    project = a_project(media="record", exclusive=False, **SETTINGS)
    names = [category.name for category in project.categories.all()]
    rows = []
    for at in range(80):
        yes = random.random(3) < 0.5
        values = {f"f{k}": float(v) for k, v in enumerate(random.normal(size=3) + 3 * yes)}
        rows.append(
            {"id": f"i{at}", "values": values, "gold": [name for name, one in zip(names, yes, strict=True) if one]}
        )
    importing.import_rows(project, rows)
    scene = sampling.scene(project, items=80, random_state=0, budget=300)
    points = list(a_play(scene).play())
    last = points[-1]
    assert last["accuracy"] > points[0]["accuracy"] + 0.1 and last["spend"] > 0


# --- in processes of their own ---------------------------------------------------------------------------------------


def test_a_child_is_told_nothing_of_the_real_database(monkeypatch, tmp_path):
    for name in scratch.REAL:
        monkeypatch.setenv(name, "real")
    found = scratch.environment(tmp_path)
    assert not found.keys() & set(scratch.REAL) and found["CLOSECALL_HOME"] == str(tmp_path)


def test_a_play_that_cannot_be_is_told_by_its_child(tmp_path):
    scene = sampling.scene(a_known_project(), items=70, random_state=0, agree_posterior=0.2)
    with pytest.raises(Unplayable, match=r"greater than or equal to 0\.5"):
        list(scratch.play(scene, [("own", 0)], home=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_what_takes_too_long_is_ended_with_what_it_has_told(tmp_path):
    scene = sampling.scene(a_known_project(), items=70, random_state=0)
    began = time.monotonic()
    told = list(scratch.play(scene, [("own", 0)], home=tmp_path, until=began + 0.5))
    assert not any(one.get("played") for one in told) and time.monotonic() - began < 20
    assert list(tmp_path.iterdir()) == []


def test_the_command_tells_and_draws_and_leaves_the_real_rows_as_they_were(tmp_path, capsys, monkeypatch):
    project = a_known_project()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "homes"))
    (tmp_path / "homes").mkdir()
    models = (Item, User, Project, Assignment, OrmQ)
    before = [model.objects.count() for model in models]
    words = ["--against", "own,random", "--seeds", "1", "--items", "70", "--budget", "30", "--processes", "1"]
    call_command("simulate", project.slug, *words, "--reach", "0.5", "--plot", str(tmp_path / "found.html"))
    said = capsys.readouterr().out
    assert "As the project is set" in said and "At random" in said and "until 50%" in said
    page = (tmp_path / "found.html").read_text()
    assert "<svg" in page and "At random" in page and "src=" not in page and project.name in page
    assert before == [model.objects.count() for model in models] and list((tmp_path / "homes").iterdir()) == []


def test_the_command_names_what_is_not_there():
    with pytest.raises(CommandError, match="no folder and no project 'nowhere'"):
        call_command("simulate", "nowhere")
    with pytest.raises(CommandError, match="no policy 'x'"):
        call_command("simulate", a_known_project().slug, "--against", "x")
