"""Workers by API: what speaks against one, and what an admin decides."""

import numpy as np
import pytest

from labeling import opening
from labeling.models import Member
from tests.crowding import a_crowd, said_by
from tests.making import a_project, a_user, a_worker, now
from tests.speaking import Speaker

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(owner=a_user("olga"))


@pytest.fixture
def owner(project):
    return Speaker(project.members.get().user)


def rows(speaker, project):
    return {row["id"]: row for row in speaker.get(f"projects/{project.slug}/workers/").json()["results"]}


def test_what_speaks_against_a_worker_is_read_and_excused(owner, project):
    said = said_by()
    said[:, 0] = np.random.default_rng(1).integers(3, size=len(said))
    guesser, *_ = a_crowd(project, said)
    assert rows(owner, project)[guesser.pk]["suspicions"] == []
    assert owner.post(f"projects/{project.slug}/workers/watch/").json() == {"found": 1}
    (one,) = rows(owner, project)[guesser.pk]["suspicions"]
    assert one["reason"] == "guessing" and one["figures"]["of"] == 60 and one["rarity"] >= 100
    assert one["sentence"].startswith("Sides with others no more than chance would")
    reply = owner.post(f"projects/{project.slug}/workers/{guesser.pk}/let-go-on/").json()
    assert (reply["suspicions"], reply["paused"]) == ([], None)
    assert owner.post(f"projects/{project.slug}/workers/watch/").json() == {"found": 0}


def test_the_rules_are_settings(owner, project):
    sent = {"on_guessing": "pause", "on_fast": "off", "watch_level": 0.01, "test_pass": 0.9}
    settings = owner.patch(f"projects/{project.slug}/", sent).json()["settings"]
    assert {name: settings[name] for name in sent} == sent
    refused = owner.patch(f"projects/{project.slug}/", {"test_length": 4})
    assert refused.status_code == 400 and "known beforehand" in refused.json()["message"]
    assert owner.patch(f"projects/{project.slug}/", {"on_fast": "shoot"}).status_code == 400


def test_beginnings_are_recorded(owner, project):
    worker = a_worker(project, tested=now(), test_score=0.2)
    path = f"projects/{project.slug}/workers/{worker.pk}/"
    reply = owner.patch(path, {"qualifications": "Nurse", "starting_rating": 0.9, "admitted": True}).json()
    assert (reply["qualifications"], reply["rating"], reply["admitted"]) == ("Nurse", 0.9, True)
    assert reply["starting_answers"] == Member._meta.get_field("starting_answers").default
    assert owner.patch(path, {"starting_rating": 2}).status_code == 400


def test_only_those_who_run_it_decide(project):
    worker = a_worker(project)
    researcher = Speaker(opening.join(a_user(), project, "researcher").user)
    for path in ("workers/watch/", f"workers/{worker.pk}/let-go-on/"):
        assert researcher.post(f"projects/{project.slug}/{path}").status_code == 403
    assert researcher.patch(f"projects/{project.slug}/workers/{worker.pk}/", {}).status_code == 403
    assert Speaker(worker.user).post(f"projects/{project.slug}/workers/watch/").status_code == 403
