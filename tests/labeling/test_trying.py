"""Try before you pay: the life of a trial, its page and its API."""

import json
import os
import re
import signal
import subprocess

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.models import OrmQ

from labeling import tasks, trying
from labeling.models import Assignment, Item, Member, Project, Trial
from labeling.simulating import Unplayable, scratch
from labeling.simulating.scenes import Staged
from rewards.models import Transfer
from tests.labeling.test_simulated_plays import a_known_project
from tests.making import a_project, a_user

pytestmark = pytest.mark.django_db
State = Trial.State


@pytest.fixture
def home(settings, tmp_path):
    settings.HOME = tmp_path
    return tmp_path


@pytest.fixture
def told(monkeypatch):
    """Plays that end at once, with curves of their own; lets a test say what happens between them."""

    def play(scene, plays, **options):
        assert isinstance(scene, Staged) and options["home"].is_dir()
        for at, (name, seed) in enumerate(plays):
            yield from between(at)
            for spend in (0, 40, 100):
                accuracy = min(0.95, 0.3 + spend / (150 if name == "own" else 300))
                point = {"spend": spend, "accuracy": accuracy, "accuracy_test": accuracy, "seconds": spend}
                yield {"policy": name, "seed": seed, "point": point}
            yield {"policy": name, "seed": seed, "played": True}

    between = lambda at: ()  # noqa: E731

    def set_between(function):
        nonlocal between
        between = function

    monkeypatch.setattr(scratch, "play", play)
    return set_between


def a_trial(project=None, policies=("own", "random"), **fields):
    project = project or a_known_project()
    fields = {"seeds": 2, "items": 70} | fields
    return trying.request(project, project.members.first().user, policies=policies, now=timezone.now(), **fields)


# --- its life --------------------------------------------------------------------------------------------------------


def test_a_trial_is_a_row_and_a_bell_in_a_cluster_of_its_own():
    trial = a_trial()
    assert (trial.state, trial.policies, OrmQ.objects.filter(key="trials").count()) == (
        State.QUEUED,
        ["own", "random"],
        1,
    )


def test_a_project_tries_one_thing_at_a_time():
    trial = a_trial()
    with pytest.raises(Unplayable, match="not over yet"):
        a_trial(trial.project)
    with pytest.raises(IntegrityError, match="project"), transaction.atomic():
        Trial.objects.create(project=trial.project, policies=["own"], requested=timezone.now())


@pytest.mark.parametrize(
    ("policies", "fields", "sentence"),
    [
        (["nothing"], {}, "no policy 'nothing'"),
        (["own", "own"], {}, "each once"),
        (["own", "random", "margin", "sure"], {"seeds": 10}, "30 plays in all"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_anything_is_queued(policies, fields, sentence):
    with pytest.raises(Unplayable, match=sentence):
        a_trial(policies=policies, **fields)
    assert not Trial.objects.exists() and not OrmQ.objects.filter(key="trials").exists()


def test_a_project_of_which_nothing_is_known_is_told_so():
    with pytest.raises(Unplayable, match="truth of 0 items is known"):
        a_trial(a_project(items=5))


def test_a_trial_is_played_and_kept_and_leaves_no_home_behind(home, told):
    trial = a_trial()
    tasks.try_out(trial.pk)
    trial.refresh_from_db()
    assert (trial.state, trial.progress, trial.played_items, trial.message) == (State.DONE, 1.0, 70, "")
    assert len(trial.found["played"]) == 4 and trial.budget > 0 and "known of 90" in trial.known
    own, other = trying.comparison(trial).rows([0.6])
    assert other.needs[0][1].value == pytest.approx(2, rel=0.2) and own.title == "As the project is set"
    assert list(trying.homes().iterdir()) == []


def test_what_is_over_is_kept_as_it_comes(home, told):
    seen = []
    told(lambda at: seen.append(Trial.objects.get().found.get("played", [])) or ())
    tasks.try_out(a_trial().pk)
    assert [len(played) for played in seen] == [0, 1, 2, 3]


def test_a_second_bell_plays_nothing_twice(home, told):
    trial = a_trial()
    tasks.try_out(trial.pk)
    told(lambda at: pytest.fail("played again"))
    tasks.try_out(trial.pk)
    assert Trial.objects.get().attempt == 1


def test_a_trial_that_is_deleted_while_it_runs_ends(home, told):
    trial, reached = a_trial(), []

    def delete(at):
        reached.append(at)
        if at == 1:
            trying.delete(trial)
        return ()

    told(delete)
    tasks.try_out(trial.pk)
    assert reached == [0, 1] and not Trial.objects.exists() and list(trying.homes().iterdir()) == []
    tasks.try_out(trial.pk)  # its bell comes late: nothing happens


def test_one_that_cannot_be_played_fails_with_its_sentence(home, told):
    def sorry(at):
        raise Unplayable("The classifier cannot learn here: no.")

    told(sorry)
    tasks.try_out(a_trial().pk)
    trial = Trial.objects.get()
    assert (trial.state, trial.message) == (State.FAILED, "The classifier cannot learn here: no.")
    assert list(trying.homes().iterdir()) == []


def test_what_was_over_when_time_was_up_is_kept_with_a_word(home, told, monkeypatch):
    play = scratch.play
    monkeypatch.setattr(scratch, "play", lambda *given, **options: list(play(*given, **options))[:9])
    tasks.try_out(a_trial().pk)
    trial = Trial.objects.get()
    assert trial.state == State.DONE and "Ended after 30 minutes: 2 of 4 plays" in trial.message


def test_a_trial_whose_process_died_is_rung_for_again_and_its_home_removed(home):
    trial = a_trial()
    OrmQ.objects.all().delete()
    long_ago = timezone.now() - timezone.timedelta(minutes=5)
    Trial.objects.update(state=State.RUNNING, attempt=1, heartbeat=long_ago, requested=long_ago)
    left = trying.homes() / f"{trial.pk}-1"
    left.mkdir(parents=True)
    (left / "db.sqlite3").write_text("left")
    assert trying.sweep(timezone.now()) == 1
    trial.refresh_from_db()
    assert trial.state == State.QUEUED and OrmQ.objects.get().key == "trials" and not left.exists()


def test_the_sweep_leaves_the_home_of_a_trial_that_runs(home):
    trial = a_trial()
    Trial.objects.update(state=State.RUNNING, attempt=1, heartbeat=timezone.now())
    kept, stray = (trying.homes() / name for name in (f"{trial.pk}-1", "999-1"))
    for folder in (kept, stray):
        folder.mkdir(parents=True)
    tasks.sweep()
    assert kept.exists() and not stray.exists()


def test_a_lost_bell_is_rung_again(home):
    a_trial()
    OrmQ.objects.all().delete()
    Trial.objects.update(requested=timezone.now() - timezone.timedelta(minutes=5))
    tasks.sweep()
    assert OrmQ.objects.filter(key="trials").count() == 1


def test_a_real_trial_touches_no_real_row_and_no_money(home):
    project = a_known_project()
    models = (Project, Item, Member, Assignment, Transfer)
    before = [model.objects.count() for model in models], project.budget.figures()
    trial = a_trial(project, policies=["random"], seeds=1, classifier="logistic_regression")
    Trial.objects.update(requested=timezone.now())
    trying.launch(trial)
    trial.refresh_from_db()
    assert (trial.state, trial.message) == (State.DONE, "")
    assert before == ([model.objects.count() for model in models], project.budget.figures())
    assert trying.comparison(trial).rows([])[0].accuracy > 0.6 and list(trying.homes().iterdir()) == []


def test_a_killed_child_fails_the_trial(home, monkeypatch):
    popen = subprocess.Popen

    def killed(*given, **options):
        child = popen(*given, **options)
        os.kill(child.pid, signal.SIGKILL)
        return child

    monkeypatch.setattr(subprocess, "Popen", killed)
    trying.launch(a_trial())
    trial = Trial.objects.get()
    assert trial.state == State.FAILED and "status -9" in trial.message and list(trying.homes().iterdir()) == []


# --- its pages -------------------------------------------------------------------------------------------------------


@pytest.fixture
def admin(client):
    project = a_known_project()
    client.force_login(project.members.first().user)
    client.project = project
    return client


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


def test_an_admin_tries_from_the_page(admin):
    address = f"/projects/{admin.project.slug}/trials/"
    assert "Try before you pay" in text(admin.get(f"/projects/{admin.project.slug}/"))
    assert "Nobody is asked or paid" in text(admin.get(address))
    form = {"policies": ["own", "votes"], "more": "planner:wanted=5", "crowd": "careful", "classifier": "extra_trees",
            "seeds": "2", "items": "80"}  # fmt: skip
    assert admin.post(address, form).status_code == 302
    trial = Trial.objects.get()
    assert (
        trial.policies == ["own", "votes", "planner:wanted=5"] and trial.by.memberships.get().project == admin.project
    )
    assert (trial.crowd, trial.classifier, trial.seeds, trial.items) == ("careful", "extra_trees", 2, 80)
    page = text(admin.get(f"{address}{trial.pk}/"))
    assert "Waiting for the trials" in page and "Stop and delete" in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"policies": []}, "Choose at least one policy."),
        ({"more": "nonsense"}, "There is no policy &#x27;nonsense&#x27;"),
        ({"seeds": "11"}, "less than or equal to 10"),
        ({"items": "5"}, "greater than or equal to 60"),
    ],
)
def test_what_is_wrong_is_said_in_the_form(admin, change, sentence):
    form = {"policies": ["own"], "more": "", "crowd": "usual", "classifier": "", "seeds": "2", "items": "80"} | change
    response = admin.post(f"/projects/{admin.project.slug}/trials/", form)
    assert response.status_code == 422 and sentence in text(response) and not Trial.objects.exists()


def test_the_page_shows_picture_and_table_and_can_be_deleted(admin, home, told):
    trial = a_trial(admin.project)
    tasks.try_out(trial.pk)
    address = f"/projects/{admin.project.slug}/trials/{trial.pk}/"
    page = text(admin.get(address))
    assert (
        page.count("<svg") >= 3
        and "At random" in page
        and "× 1.98 (1.98 to 1.98)" in page
        and "known of 90 items" in page
    )
    assert admin.get(f"{address}progress/", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert admin.post(f"{address}delete/").status_code == 302 and not Trial.objects.exists()


def test_a_trial_that_runs_shows_how_far_it_is(admin):
    trial = a_trial(admin.project)
    Trial.objects.update(state=State.RUNNING, progress=0.4, message="1 of 4 plays are over")
    address = f"/projects/{admin.project.slug}/trials/{trial.pk}/progress/?plays=0"
    page = text(admin.get(address, headers={"HX-Request": "true"}))
    assert 'value="0.4"' in page and "1 of 4 plays are over" in page


def test_a_researcher_looks_and_a_worker_finds_nothing(client):
    trial = a_trial()
    address = f"/projects/{trial.project.slug}/trials/"
    for role, there, there_to_change in (("researcher", 200, 403), ("worker", 404, 404)):
        user = a_user()
        Member.objects.create(project=trial.project, user=user, role=role)
        client.force_login(user)
        assert client.get(address).status_code == there == client.get(f"{address}{trial.pk}/").status_code
        assert client.post(f"{address}{trial.pk}/delete/").status_code == there_to_change
        assert client.post(address, {"policies": ["own"]}).status_code == there_to_change


# --- its API ---------------------------------------------------------------------------------------------------------


def test_the_api_requests_tells_and_deletes(admin, home, told):
    address = f"/api/v1/projects/{admin.project.slug}/trials/"
    body = json.dumps({"policies": ["own", "random"], "seeds": 2, "items": 70})
    made = admin.post(address, body, content_type="application/json")
    assert (made.status_code, made.json()["state"], made.json()["classifier"]) == (201, "queued", "label_spreading")
    again = admin.post(address, body, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "unplayable")
    tasks.try_out(Trial.objects.get().pk)
    listed = admin.get(address).json()
    assert [one["state"] for one in listed["results"]] == ["done"] and "found" not in listed["results"][0]
    found = admin.get(f"{address}{made.json()['number']}/").json()["found"]
    assert [one["name"] for one in found] == ["own", "random"] and set(found[0]["curves"]) == {"0", "1"}
    assert found[0]["needs"][0]["times"] == pytest.approx(1.0)
    assert admin.delete(f"{address}{made.json()['number']}/").status_code == 204 and not Trial.objects.exists()
    assert admin.get(f"{address}1/").json()["code"] == "not_found"
