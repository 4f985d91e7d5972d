"""The price list as its admin sees it: what a change would come to before it is saved; a query's price explained."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from labeling import asking, pacing, quoting
from labeling.models import Assignment, Project, Reliability
from tests.making import a_project, a_query, a_user, a_worker, now
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(items=2, owner=a_user("olga"), cell_price=10, agree_count=2, instructions="Look closely.")


@pytest.fixture
def owner(client, project):
    client.force_login(project.members.get().user)
    return client


def prices_of(client, project):
    form = page(client, project, "project_prices").context["form"]
    shown = {field.html_name: field.value() for _, _, fields in form.groups() for field in fields}
    return {name: value for name, value in shown.items() if value is not None and value is not False}


def words(response) -> str:
    """What is read, without the tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", text(response)).split())


def effect_of(client, project, **changes):
    return client.get(reverse("price_effect", args=[project.slug]), prices_of(client, project) | changes)


def test_saving_the_prices_that_are_shown_changes_nothing(owner, project):
    Project.objects.update(factors={"rating": 0.35}, least_told=1 / 3, price_by="time", equal_pay=True)
    before = Project.objects.values().get()
    data = prices_of(owner, project) | {"equal_pay": "on"}
    assert post(owner, project, "project_prices", **data).status_code == 302
    after = Project.objects.values().get()
    assert after.pop("least_told") == pytest.approx(before.pop("least_told"), abs=1e-9)
    assert after == before


def test_prices_are_saved(owner, project):
    changes = {
        "price_by": "time", "cell_price": "3", "hourly_rate": "900", "price_floor": "2", "price_ceiling": "50",
        "hourly_floor": "600", "equal_pay": "on", "least_told": "12.5", "factor_scarcity": "40", "factor_rating": "0",
    }  # fmt: skip
    post(owner, project, "project_prices", **prices_of(owner, project) | changes)
    project.refresh_from_db()
    assert (project.cell_price, project.price_floor, project.price_ceiling) == (3, 2, 50)
    assert (project.price_by, project.hourly_rate, project.hourly_floor) == ("time", 900, 600)
    assert (project.equal_pay, project.least_told, project.factors) == (True, 0.125, {"scarcity": 0.4})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"price_floor": "60", "price_ceiling": "50"}, "The ceiling must not be below the floor, which is 60."),
        ({"factor_rating": "-1"}, "greater than or equal to 0"),
        ({"cell_price": "-1"}, "greater than or equal to 0"),
        ({"cell_price": "1.5"}, "Enter a whole number."),
        ({"price_by": "mood"}, "mood is not one of the available choices"),
        ({"hourly_floor": "9" * 12}, "less than or equal to"),
    ],
    ids=str,
)
def test_a_price_that_cannot_be_is_refused_and_said_while_it_is_typed(owner, project, changes, said):
    before = Project.objects.values().get()
    answer = post(owner, project, "project_prices", **prices_of(owner, project) | changes)
    assert answer.status_code == 422
    assert text(answer).count(said) >= 2
    assert said in words(effect_of(owner, project, **changes))
    assert Project.objects.values().get() == before


def test_what_a_change_would_come_to_stands_beside_what_holds_and_nothing_is_saved(owner, project):
    a_query(project)
    a_query(project, "items")
    said = words(effect_of(owner, project, cell_price="15"))
    assert "The open queue will cost before 80 after 120" in said
    assert "A round costs before 2,400 after 3,600" in said
    assert "The rest buys before 500 after 333 answers" in said
    assert re.search(r"Yes or no before 10.0 after 15.0 before 20 after 30", said)
    assert Project.objects.get().cell_price == 10
    assert "before" not in words(effect_of(owner, project)).replace("beforehand", "")


def test_the_effect_is_a_fragment_that_is_asked_for_while_fields_change(owner, project):
    form = re.search(r"<form[^>]*hx-get[^>]*>", page(owner, project, "project_prices").content.decode())[0]
    assert f'hx-get="{reverse("price_effect", args=[project.slug])}"' in form
    assert 'hx-trigger="input delay:300ms, change"' in form
    assert "not csrfmiddlewaretoken" in form
    assert "<html" not in effect_of(owner, project).content.decode()


def test_without_htmx_a_button_shows_what_typed_prices_come_to(owner, project):
    a_query(project)
    data = prices_of(owner, project) | {"cell_price": "20", "try": ""}
    answer = post(owner, project, "project_prices", **data)
    assert answer.status_code == 200
    assert "The open queue will cost before 20 after 40" in words(answer)
    assert Project.objects.get().cell_price == 10


def test_a_researcher_may_try_prices_and_not_save_them(client, project):
    user = a_user()
    project.members.create(user=user, role="researcher")
    client.force_login(user)
    assert effect_of(client, project, cell_price="15").status_code == 200
    assert "Save the prices" not in words(page(client, project, "project_prices"))
    assert post(client, project, "project_prices", cell_price="1").status_code == 403


def test_a_worker_sees_no_prices(client, project):
    client.force_login(a_worker(project).user)
    for name in ("project_prices", "price_effect"):
        assert client.get(reverse(name, args=[project.slug])).status_code == 404


def test_a_kind_that_earned_less_than_the_hourly_floor_is_named_and_raised(owner, project):
    worker = a_worker(project, "ada")
    begin = now() - timedelta(hours=3)
    for at in range(30):
        query = a_query(project)
        held = asking.next_assignment(worker, now=now())
        assert held.query == query
        Assignment.objects.filter(pk=held.pk).update(
            state="answered",
            offered=begin + timedelta(seconds=100 * at),
            finished=begin + timedelta(seconds=100 * at + 60),
            paid=0,
        )
    pacing.measure(project, quoting.median_ratings(project))
    Project.objects.update(hourly_floor=1200)
    said = words(page(owner, project, "project_prices"))
    assert "Yes or no has earned 0 points an hour, below the floor of 1,200 points." in said
    assert "raised" in said
    assert "ada below the floor" in said
    project.refresh_from_db()
    assert quoting.quote(a_query(project), worker) > 10


def test_a_query_page_pictures_its_price_for_any_worker(owner, project):
    Project.objects.update(factors={"rating": 1.0, "complexity": 0.5}, price_ceiling=22)
    query = a_query(project, signals={"cells": 2, "complexity": 0.44})
    worker = a_worker(project, "ada")
    Reliability.objects.create(worker=worker, kind="yes_no", rating=0.8, judged=50)
    address = reverse("project_query", args=[project.slug, query.pk])
    whole = owner.get(address, {"for": worker.pk})
    said = words(whole)
    assert "Base 2 cells at 10 20" in said
    assert "Worker rating 0.80, × 1.47 29.5" in said
    assert "Complexity 0.44, × 1.20 35.4" in said
    assert "The ceiling 22 Reward the ceiling 22 points" in said
    assert "Off: Training value, Falling confidence, Scarcity." in said
    assert "For ada, rated 0.80 in this kind" in said
    assert whole.content.decode().count('class="step') == 4
    assert "For the median of this project's workers" in words(owner.get(address, {"for": "999"}))
