"""What belongs to a person: where one works, coming in, balances and payouts, the password."""

import uuid

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from labeling import answering, asking, opening
from labeling.models import Member
from rewards import ledger
from rewards.models import Transfer
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"
NEW = "battery staple 9"


def text(response):
    return response.content.decode()


def earn(worker, times=1):
    for _ in range(times):
        a_query(worker.project)
        assignment = asking.next_assignment(worker, now=now())
        answering.record(assignment, an_answer(assignment.query), now=now())


# --- home ------------------------------------------------------------------------------------------------------------


def home(client, user):
    client.force_login(user)
    return text(client.get("/"))


def test_somebody_without_a_project_reads_what_to_do(client):
    assert "Open an invitation link" in home(client, a_user())


def test_a_worker_sees_where_he_works_what_he_answered_and_earned(client):
    project = a_project(name="Birds")
    worker = a_worker(project)
    a_project(name="Of others")
    earn(worker, times=2)
    shown = home(client, worker.user)
    assert "Birds" in shown and "2 answered" in shown and "20\xa0points" in shown
    assert "Of others" not in shown
    assert reverse("project", args=[project.slug]) not in shown


def test_a_paused_project_is_marked_and_offers_no_work(client):
    worker = a_worker(a_project(state="paused"))
    shown = home(client, worker.user)
    assert "Paused" in shown and reverse("work", args=[worker.project.slug]) not in shown


def test_who_runs_a_project_finds_it_with_his_roles(client):
    project = a_project(name="Birds")
    user = project.members.get().user
    opening.join(user, project, Member.Role.RESEARCHER)
    shown = home(client, user)
    assert reverse("project", args=[project.slug]) in shown
    assert "Owner, Researcher" in shown or "Researcher, Owner" in shown


def test_a_superuser_finds_every_project(client):
    project = a_project()
    assert reverse("project", args=[project.slug]) in home(client, a_user(is_superuser=True))


def test_a_visitor_is_asked_to_sign_in(client):
    assert client.get("/").url == "/sign-in/?next=/"


def test_signing_in_never_leads_to_another_site(client):
    user = a_user()
    sent = {"username": user.username, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/sign-in/", sent).url == "/"


# --- coming in -------------------------------------------------------------------------------------------------------


def link(project, role=Member.Role.WORKER):
    return reverse("join", args=[opening.invitation(project, role)])


def test_an_invitation_is_shown_by_get_and_taken_by_post(client):
    project, user = a_project(name="Birds"), a_user()
    client.force_login(user)
    assert "Birds" in text(client.get(link(project)))
    assert not user.memberships.exists()
    assert client.post(link(project)).url == reverse("work", args=[project.slug])
    assert client.post(link(project)).status_code == 302
    assert [member.role for member in user.memberships.all()] == ["worker"]


def test_a_researcher_comes_in_at_the_project(client):
    project = a_project()
    client.force_login(a_user())
    assert client.post(link(project, Member.Role.RESEARCHER)).url == reverse("project", args=[project.slug])


def test_a_visitor_makes_an_account_and_is_in(client):
    project = a_project()
    sent = {"username": "nora", "password1": NEW, "password2": NEW}
    assert client.post(link(project), sent).url == reverse("work", args=[project.slug])
    member = Member.objects.get(user__username="nora")
    assert member.role == "worker" and client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "This field is required."),
        ({"username": "nora", "password1": "short", "password2": "short"}, "too short"),
        ({"username": "nora", "password1": "password", "password2": "password"}, "too common"),
        ({"username": "nora", "password1": NEW, "password2": "other"}, "match"),
        ({"username": "taken", "password1": NEW, "password2": NEW}, "already exists"),
        ({"username": "x" * 200, "password1": NEW, "password2": NEW}, "at most 150 characters"),
        ({"username": "nul\0", "password1": NEW, "password2": NEW}, "Null characters"),
    ],
)
def test_an_account_that_cannot_be_made_is_explained(client, sent, sentence):
    project = a_project()
    a_user("taken")
    reply = client.post(link(project), sent)
    assert reply.status_code == 422 and sentence in text(reply)
    assert not project.members.workers().exists() and not User.objects.filter(username="nora").exists()


@pytest.mark.parametrize("token", ["x", "a:b:c", "é" * 300])
def test_an_invalid_invitation_says_whom_to_ask(client, token):
    for send in (client.get, client.post):
        reply = send(reverse("join", args=[token]))
        assert reply.status_code == 404 and "Ask the project" in text(reply)


# --- money -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def worker():
    worker = a_worker(a_project(name="Birds"))
    earn(worker, times=3)
    return worker


def account(client, worker, **where):
    client.force_login(worker.user)
    return client.get(reverse("account"), where)


def pay_out(client, worker, amount, key=None, budget=None):
    client.force_login(worker.user)
    sent = {"budget": budget or worker.project.budget.pk, "amount": amount, "key": key or uuid.uuid4()}
    return client.post(reverse("pay_out"), sent)


def test_an_account_shows_each_balance_and_its_entries(client, worker):
    shown = text(account(client, worker))
    assert "Birds" in shown and "30\xa0points" in shown
    assert shown.count("+10\xa0points") == 3 and "Reward for query" in shown


def test_somebody_who_earned_nothing_reads_so(client):
    assert "earned nothing yet" in text(account(client, a_worker(a_project())))


def test_a_long_statement_has_pages(client, worker):
    earn(worker, times=48)
    first, second = (text(account(client, worker, page=n)) for n in (1, 2))
    assert first.count("+10\xa0points") == 50 and second.count("+10\xa0points") == 1
    assert "1 of 2" in text(account(client, worker, page="x"))


def test_a_payout_lowers_the_balance_and_is_on_the_statement(client, worker):
    assert pay_out(client, worker, 12).status_code == 302
    assert ledger.balance(worker.user, worker.project.budget) == 18
    assert "−12\xa0points" in text(account(client, worker))


def test_a_payout_pressed_twice_is_one(client, worker):
    key = uuid.uuid4()
    for _ in range(2):
        assert pay_out(client, worker, 12, key=key).status_code == 302
    assert Transfer.objects.filter(kind="payout").count() == 1


def test_two_people_may_happen_on_the_same_key(client, worker):
    other, key = a_worker(worker.project), uuid.uuid4()
    earn(other)
    for somebody in (worker, other):
        assert pay_out(client, somebody, 10, key=key).status_code == 302
    assert Transfer.objects.filter(kind="payout").count() == 2


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (31, "has 30 points in Birds; this takes 31"),
        (0, "greater than or equal to 1"),
        (-5, "greater than or equal to 1"),
        ("", "Enter how much to pay out."),
        ("1.5", "whole number"),
        ("many", "whole number"),
        ("9" * 40, "whole number from"),
        ("9" * 5000, "whole number"),
    ],
)
def test_an_impossible_payout_is_explained_and_moves_nothing(client, worker, amount, sentence):
    reply = pay_out(client, worker, amount)
    assert reply.status_code == 422 and sentence in text(reply)
    assert ledger.balance(worker.user, worker.project.budget) == 30


def test_a_payout_form_without_its_key_is_stale(client, worker):
    reply = pay_out(client, worker, 5, key="nonsense")
    assert reply.status_code == 422 and "gone stale" in text(reply)


@pytest.mark.parametrize("budget", ["999999", "x", "1 or 1=1", "9" * 60])
def test_a_balance_one_does_not_have_does_not_exist(client, worker, budget):
    assert account(client, worker, budget=budget).status_code == 404
    assert pay_out(client, worker, 5, budget=budget).status_code == 404


# --- password --------------------------------------------------------------------------------------------------------


def change(client, old, new, again=None):
    return client.post(reverse("password"), {"old_password": old, "new_password1": new, "new_password2": again or new})


def test_a_changed_password_keeps_this_session_and_ends_the_others(client, django_user_model):
    from django.test import Client

    user, elsewhere = a_user(), Client()
    client.force_login(user)
    elsewhere.force_login(user)
    assert change(client, PASSWORD, NEW).url == reverse("account")
    assert client.get("/").status_code == 200 and elsewhere.get("/").status_code == 302
    user.refresh_from_db()
    assert user.check_password(NEW)


@pytest.mark.parametrize(
    ("old", "new", "again"), [("wrong", NEW, NEW), (PASSWORD, "short", "short"), (PASSWORD, NEW, "x")]
)
def test_a_password_that_cannot_be_changed_stays(client, old, new, again):
    user = a_user()
    client.force_login(user)
    assert change(client, old, new, again).status_code == 422
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
