"""Who speaks to the API, with what rights, and who else is there."""

import pytest
from rest_framework.test import APIClient

from labeling import answering, asking, opening
from labeling.models import Consensus, Member
from rewards import ledger
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now
from tests.speaking import ROOT, Speaker

pytestmark = pytest.mark.django_db


def member(project, role):
    return Speaker(opening.join(a_user(), project, role).user)


# --- signing in ------------------------------------------------------------------------------------------------------


def test_a_name_and_password_get_a_token_that_opens_the_other_doors():
    user = a_user("ada")
    token = Speaker().post("token/", {"username": "ada", "password": "correct horse"}).json()["token"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert client.get(f"{ROOT}me/").json()["username"] == user.username
    assert Speaker().post("token/", {"username": "ada", "password": "correct horse"}).json()["token"] == token


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "wrong"), ("Ada", "correct horse"), ("nobody", "correct horse")]
)
def test_a_wrong_password_says_no_more_than_a_wrong_name(name, password):
    a_user("ada")
    reply = Speaker().post("token/", {"username": name, "password": password})
    assert (reply.status_code, reply.json()["code"]) == (400, "wrong_password")
    assert reply.json()["message"] == "No active user has this name and password."


def test_a_user_who_is_gone_gets_no_token():
    a_user("ada", is_active=False)
    assert Speaker().post("token/", {"username": "ada", "password": "correct horse"}).status_code == 400


def test_a_session_of_the_site_serves_too_but_only_with_its_csrf_token():
    client = APIClient(enforce_csrf_checks=True)
    client.login(username=a_user("ada").username, password="correct horse")
    assert client.get(f"{ROOT}me/").status_code == 200
    reply = client.post(f"{ROOT}projects/", {"name": "Birds", "media": "text", "categories": []}, format="json")
    assert (reply.status_code, reply.json()["code"]) == (403, "permission_denied")


# --- oneself ---------------------------------------------------------------------------------------------------------


def test_me_names_roles_ratings_and_balances():
    project, other = a_project(), a_project()
    worker = a_worker(project, "ada", rating=0.8)
    opening.join(worker.user, other, "researcher")
    ledger.post(ledger.reserve(project.budget, 25), worker.user, 25)
    assert Speaker(worker.user).get("me/").json() == {
        "username": "ada",
        "memberships": [
            {"project": project.slug, "role": "worker", "rating": 0.8},
            {"project": other.slug, "role": "researcher", "rating": None},
        ],
        "balances": [{"project": project.slug, "currency": "points", "balance": 25}],
    }


# --- members ---------------------------------------------------------------------------------------------------------


def test_a_user_is_added_once_in_each_role():
    project = a_project()
    owner, ada = Speaker(project.members.get().user), a_user("ada")
    address = f"projects/{project.slug}/members/"
    first, again = (owner.post(address, {"username": "ada", "role": "worker"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Member.objects.get(user=ada).role == "worker"
    assert [(row["username"], row["role"]) for row in owner.get(address).json()["results"]][1:] == [("ada", "worker")]


def test_only_an_owner_makes_an_owner():
    project = a_project()
    a_user("ada")
    address = f"projects/{project.slug}/members/"
    reply = member(project, "admin").post(address, {"username": "ada", "role": "owner"})
    assert (reply.status_code, reply.json()["code"]) == (403, "not_in_your_role")
    assert member(project, "admin").post(address, {"username": "ada", "role": "admin"}).status_code == 201
    assert Speaker(project.members.first().user).post(address, {"username": "ada", "role": "owner"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "ghost", "role": "worker"}, "username"),
        ({"username": "ada", "role": "king"}, "role"),
        ({}, "username"),
    ],
)
def test_an_unknown_user_or_role_is_named(body, field):
    project = a_project()
    a_user("ada")
    reply = Speaker(project.members.get().user).post(f"projects/{project.slug}/members/", body)
    assert (reply.status_code, reply.json()["field"]) == (400, field)


# --- rights ----------------------------------------------------------------------------------------------------------

READING = ("items", "runs", "queries", "consensus", "workers", "export")
CHANGING = {"items": [{"id": "a", "text": "x"}], "budget": {"amount": 1}, "runs": {}, "refill": {}}


@pytest.mark.parametrize(
    ("role", "reads", "changes"),
    [("owner", 200, 200), ("admin", 200, 200), ("researcher", 200, 403), ("worker", 403, 403)],
)
def test_each_role_opens_its_doors_and_no_others(role, reads, changes):
    project = a_project()
    speaker = member(project, role)
    assert {speaker.get(f"projects/{project.slug}/{name}/").status_code for name in READING} == {reads}
    codes = {speaker.post(f"projects/{project.slug}/{name}/", body).status_code for name, body in CHANGING.items()}
    assert {200 if code == 201 else code for code in codes} == {changes}
    assert speaker.get(f"projects/{project.slug}/members/").status_code == changes
    assert speaker.patch(f"projects/{project.slug}/", {"wanted": 5}).status_code == changes


# --- workers ---------------------------------------------------------------------------------------------------------


def test_a_worker_set_aside_leaves_consensus_and_may_come_back():
    project = a_project(agree_count=1, wanted=1)
    a_query(project)
    worker = a_worker(project, "spam")
    assignment = asking.next_assignment(worker, now=now())
    answering.record(assignment, an_answer(assignment.query, ["cat"]), now=now())
    owner = Speaker(project.members.get(role="owner").user)
    (row,) = owner.get(f"projects/{project.slug}/workers/").json()["results"]
    assert (row["username"], row["judged"], row["agreed"], row["set_aside"]) == ("spam", 1, 1, False)
    address = f"projects/{project.slug}/workers/{row['id']}/set-aside/"
    assert owner.post(address).json()["set_aside"] is True
    assert not Consensus.objects.agreed().exists()
    assert ledger.balance(worker.user, project.budget) == 10
    assert owner.post(address, {"set_aside": False}).json()["set_aside"] is False
    assert Consensus.objects.agreed().exists()


def test_the_worker_of_another_project_is_not_set_aside():
    project, other = a_project(), a_worker(a_project())
    reply = Speaker(project.members.get().user).post(f"projects/{project.slug}/workers/{other.pk}/set-aside/")
    assert reply.status_code == 404
    assert not Member.objects.get(pk=other.pk).set_aside
