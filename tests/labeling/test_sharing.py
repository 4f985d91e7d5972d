"""Workers of one project invited into another, and what may be seen of what they did before."""

import pytest
from django.test import Client

from labeling import believing, opening, sharing
from labeling.models import Member
from tests.making import a_project, a_user, a_worker
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    """Runs two projects; in the first people have worked."""
    user = a_user("boss")
    client = Client()
    client.force_login(user)
    client.user = user
    client.source = a_project(owner=user, name="Songs")
    client.project = a_project(owner=user, name="News")
    client.good = a_worker(client.source, "good", rating=0.93, judged=40, agreed=38)
    client.fresh = a_worker(client.source, "fresh", rating=0.7, judged=2)
    return client


def invite(client, *workers, **fields):
    picked = {"from": client.source.slug, "worker": [worker.pk for worker in workers]}
    return post(client, client.project, "project_invite", follow=True, **picked | fields)


def here(client):
    return {worker.user.username: worker for worker in client.project.members.workers().select_related("user")}


def test_the_page_lists_who_works_in_the_other_project_with_what_is_known(admin):
    shown = " ".join(text(page(admin, admin.project, "project_invite")).split())
    assert "good" in shown and "rating 93%, from 40 judgments" in shown and "hardly known yet" in shown


def test_chosen_workers_come_with_the_rating_they_have_there(admin):
    invite(admin, admin.good, carry="on")
    (name,) = here(admin)
    worker = here(admin)[name]
    assert (name, worker.starting_rating, worker.rating, worker.starting_from) == ("good", 0.93, 0.93, admin.source)
    assert believing.known_beforehand(worker) == (0.93, 8)


def test_without_it_they_begin_as_newcomers(admin):
    invite(admin, admin.good)
    worker = here(admin)["good"]
    assert (worker.starting_rating, worker.rating, worker.starting_from) == (0.75, 0.75, None)


def test_who_is_hardly_known_begins_as_a_newcomer(admin):
    invite(admin, carry="on", everybody="")
    assert here(admin).keys() == {"good", "fresh"}
    assert (here(admin)["fresh"].starting_rating, here(admin)["fresh"].starting_from) == (0.75, None)


def test_nobody_chosen_is_told(admin):
    assert "Nobody was chosen" in text(invite(admin)) and not here(admin)


@pytest.mark.parametrize(
    "fields", [{"set_aside": True}, {"paused": "2026-01-01T00:00Z"}, {"left": "2026-01-01T00:00Z"}]
)
def test_who_is_not_in_good_standing_there_is_not_offered(admin, fields):
    Member.objects.filter(pk=admin.good.pk).update(**fields)
    invite(admin, carry="on", everybody="")
    assert here(admin).keys() == {"fresh"}


def test_whom_somebody_took_out_here_is_not_brought_back(admin):
    gone = opening.join(admin.good.user, admin.project, Member.Role.WORKER)
    Member.objects.filter(pk=gone.pk).update(left="2026-01-01T00:00Z", removed=True)
    invite(admin, everybody="")
    assert here(admin)["good"].left and here(admin)["fresh"].left is None


def test_who_works_here_keeps_what_is_known_here(admin):
    opening.join(admin.good.user, admin.project, Member.Role.WORKER)
    invite(admin, admin.good, carry="on")
    assert here(admin)["good"].starting_from is None


@pytest.mark.parametrize("role", ["researcher", "worker", None])
def test_workers_of_a_project_that_one_does_not_run_cannot_be_invited(admin, role):
    other = a_project(name="Secret")
    stranger = a_worker(other, "stranger", rating=0.9, judged=50)
    if role:
        opening.join(admin.user, other, role)
    shown = text(page(admin, admin.project, "project_invite", **{"from": other.slug}))
    assert "Secret" not in shown and "stranger" not in shown
    invite(admin, stranger, **{"from": other.slug}, everybody="")
    assert "stranger" not in here(admin)


def test_a_worker_of_another_project_than_the_one_named_is_not_taken(admin):
    stranger = a_worker(a_project(name="Secret"), "stranger")
    invite(admin, stranger)
    assert not here(admin)


def test_only_those_who_run_the_project_invite(admin):
    researcher = Client()
    user = a_user()
    researcher.force_login(user)
    opening.join(user, admin.project, Member.Role.RESEARCHER)
    assert page(researcher, admin.project, "project_invite").status_code == 403
    worker = Client()
    worker.force_login(admin.good.user)
    assert page(worker, admin.project, "project_invite").status_code == 404


# --- what others may see of it ---------------------------------------------------------------------------------------


@pytest.fixture
def colleague(admin):
    """An admin of the new project who has no role in the one the worker comes from."""
    invite(admin, admin.good, carry="on")
    user = a_user("colleague")
    opening.join(user, admin.project, Member.Role.ADMIN)
    client = Client()
    client.force_login(user)
    client.project, client.worker = admin.project, here(admin)["good"]
    return client


def portrait(client, worker):
    return text(page(client, worker.project, "project_worker", worker.pk))


def test_a_rating_from_elsewhere_is_not_shown_to_an_admin_without_a_role_there(admin, colleague):
    assert "93%" in portrait(admin, colleague.worker)
    shown = portrait(colleague, colleague.worker)
    assert "93" not in shown and "Songs" not in shown and "in which you have no role" in shown


def test_nor_by_the_api(admin, colleague):
    address = f"/api/v1/projects/{colleague.project.slug}/workers/"
    (mine,) = admin.get(address).json()["results"]
    (theirs,) = colleague.get(address).json()["results"]
    assert (mine["rating"], mine["starting_rating"]) == (0.93, 0.93)
    assert (theirs["rating"], theirs["starting_rating"], theirs["reliabilities"]) == (None, None, [])


def test_once_as_many_judgments_here_speak_the_rating_is_this_project_s_own(colleague):
    Member.objects.filter(pk=colleague.worker.pk).update(judged=8, rating=0.81)
    assert "81%" in portrait(colleague, colleague.worker)


def test_saving_what_is_shown_does_not_lay_a_hidden_rating_open(admin, colleague):
    post(admin, colleague.project, "project_worker", colleague.worker.pk, starting_rating="93", starting_answers="8")
    assert "93" not in portrait(colleague, colleague.worker)
    post(colleague, colleague.project, "project_worker", colleague.worker.pk, experience="Sings.")
    colleague.worker.refresh_from_db()
    assert (colleague.worker.experience, colleague.worker.starting_rating) == ("Sings.", 0.93)
    assert colleague.worker.starting_from == admin.source


def test_an_admin_s_own_opinion_replaces_what_was_carried_over(admin, colleague):
    post(admin, colleague.project, "project_worker", colleague.worker.pk, starting_rating="60", starting_answers="8")
    assert "60" in portrait(colleague, colleague.worker)
    assert Member.objects.get(pk=colleague.worker.pk).starting_from is None


def test_programs_invite_too(admin):
    address = f"/api/v1/projects/{admin.project.slug}/workers/invite/"
    body = {"project": "songs", "workers": ["good", "nobody"], "carry": True}
    assert admin.post(address, body, content_type="application/json").json() == {"invited": ["good"]}
    assert here(admin)["good"].starting_rating == 0.93
    rest = admin.post(address, {"project": "songs", "carry": False}, content_type="application/json")
    assert rest.json() == {"invited": ["fresh"]}
    refused = admin.post(address, {"project": "unknown"}, content_type="application/json")
    assert refused.status_code == 400 and refused.json()["code"] == "unknown_project"


def test_nobody_is_offered_twice(admin):
    invite(admin, everybody="")
    assert not sharing.candidates(admin.source, admin.project).exists()
