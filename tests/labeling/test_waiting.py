"""Somebody who works in several projects sees what waits in all of them, and goes on where there is something."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labeling import asking, opening, waiting
from labeling.models import Member, Project
from rewards import ledger
from tests.making import a_project, a_query, a_user, an_item, now
from tests.visiting import text

pytestmark = pytest.mark.django_db


def a_place(user, queries=0, **fields):
    """A project this user works in, with open queries of three cells each."""
    project = a_project(**{"cell_price": 10} | fields)
    for _ in range(queries):
        a_query(project, "categories")
    return opening.join(user, project, Member.Role.WORKER)


def waits(user):
    return [(one.project.name, one.count, one.reward, one.total) for one in waiting.of(user, now())]


def test_where_most_is_to_earn_comes_first():
    user = a_user()
    a_place(user, 1, name="One")
    a_place(user, 0, name="None")
    a_place(user, 3, name="Three")
    a_place(user, 2, name="Dear", cell_price=40)
    assert waits(user) == [("Dear", 2, 120, 240), ("Three", 3, 30, 90), ("One", 1, 30, 30), ("None", 0, 0, 0)]


def test_amounts_of_different_currencies_are_not_compared():
    user = a_user()
    a_place(user, 1, name="Points", currency="points", cell_price=1000, price_ceiling=9000)
    a_place(user, 2, name="Cents", currency="cents", cell_price=1)
    assert [name for name, *_ in waits(user)] == ["Cents", "Points"]


def test_what_waits_is_what_would_be_asked():
    user = a_user()
    worker = a_place(user, 3)
    first = asking.next_assignment(worker, now=now())
    assert waits(user)[0][1:] == (3, 30, 90)
    asking.give_back(first, "skip", now=now())
    assert waits(user)[0][1:] == (2, 30, 60)
    for _ in range(2):
        asking.give_back(asking.next_assignment(worker, now=now()), "skip", now=now())
    assert waits(user)[0][1:] == (0, 0, 0)
    with pytest.raises(asking.NothingToAsk):
        asking.next_assignment(worker, now=now())


def test_what_the_budget_cannot_pay_does_not_wait():
    user = a_user()
    a_place(user, 3, funds=70)
    assert waits(user)[0][1:] == (3, 30, 70)
    a_place(user, 3, name="Poor", funds=20)
    assert [count for name, count, *_ in waits(user) if name == "Poor"] == [0]
    worker = a_place(user, 3, name="A day")
    ledger.limit_days(worker.project.budget, 20)
    assert [count for name, count, *_ in waits(user) if name == "A day"] == [0]


@pytest.mark.parametrize(
    "change, code",
    [
        (lambda worker: Member.objects.filter(pk=worker.pk).update(set_aside=True), "set_aside"),
        (lambda worker: Member.objects.filter(pk=worker.pk).update(paused=now()), "on_hold"),
        (lambda worker: Project.objects.update(state="paused"), "paused"),
    ],
)
def test_nothing_waits_for_whom_nothing_is_offered(change, code):
    user = a_user()
    change(a_place(user, 2))
    (one,) = waiting.of(user, now())
    assert (one.count, one.barred) == (0, code)


def test_who_has_left_has_nothing_waiting():
    user = a_user()
    Member.objects.filter(pk=a_place(user, 2).pk).update(left=timezone.now())
    assert waits(user) == []


# --- the pages -------------------------------------------------------------------------------------------------------


@pytest.fixture
def client():
    user = a_user()
    client = Client()
    client.force_login(user)
    client.user = user
    return client


def said(response):
    return " ".join(text(response).split())


def test_the_home_page_tells_what_waits_and_what_it_pays(client):
    a_place(client.user, 3, name="Songs")
    a_place(client.user, 0, name="News")
    shown = said(client.get("/"))
    assert "3 queries wait · about 90 points to earn, 30 points for the next" in shown
    assert shown.index("Songs") < shown.index("News") and "Nothing waits right now" in shown


def test_the_waiting_page_offers_another_project(client):
    dry = a_place(client.user, 0, name="Dry")
    full = a_place(client.user, 2, name="Songs")
    shown = said(client.post(reverse("next_query", args=[dry.project.slug]), follow=True))
    assert "Meanwhile, elsewhere" in shown and "Go on in Songs" in shown and "2 queries wait" in shown
    there = client.post(reverse("next_query", args=[full.project.slug]), follow=True)
    assert there.context["assignment"].reward == 30


def test_where_nothing_waits_anywhere_nothing_is_offered(client):
    dry = a_place(client.user, 0)
    a_place(client.user, 0)
    shown = said(client.post(reverse("next_query", args=[dry.project.slug]), follow=True))
    assert "Nothing to answer right now" in shown and "elsewhere" not in shown.replace('name="elsewhere"', "")


def test_the_waiting_page_stays_still_until_something_waits_elsewhere(client):
    dry, other = a_place(client.user, 0), a_place(client.user, 0, name="Songs")
    address = reverse("next_query", args=[dry.project.slug])
    first = client.post(address, headers={"HX-Request": "true"})
    form = {"waiting": first.context["waiting"].code, "elsewhere": first.context["named"]}
    assert client.post(address, form, headers={"HX-Request": "true"}).status_code == 204
    a_query(other.project)
    moved = client.post(address, form, headers={"HX-Request": "true"})
    assert moved.status_code == 200 and "Go on in Songs" in said(moved)
    form["elsewhere"] = moved.context["named"]
    assert client.post(address, form, headers={"HX-Request": "true"}).status_code == 204


def test_a_project_s_name_is_inert_where_it_is_offered(client):
    dry = a_place(client.user, 0)
    a_place(client.user, 1, name="<b>Songs</b>")
    assert "<b>Songs" not in said(client.post(reverse("next_query", args=[dry.project.slug]), follow=True))
    assert "<b>Songs" not in said(client.get("/"))


def test_it_costs_the_same_however_much_is_open(client, django_assert_max_num_queries):
    worker = a_place(client.user, 0)
    for _ in range(80):
        a_query(worker.project, "yes_no", [an_item(worker.project)])
    with django_assert_max_num_queries(8):
        (one,) = waiting.of(client.user, now())
    assert one.count == waiting.MOST and one.more
    assert "50 queries or more wait" in said(client.get("/"))


def test_programs_see_the_same(client):
    a_place(client.user, 2, name="Songs")
    a_place(client.user, 0, name="News")
    rows = client.get("/api/v1/work/").json()
    assert [(row["name"], row["waiting"], row["reward"], row["total"], row["currency"]) for row in rows] == [
        ("Songs", 2, 30, 60, "points"),
        ("News", 0, 0, 0, "points"),
    ]
