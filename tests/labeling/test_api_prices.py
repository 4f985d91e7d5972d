"""Prices through the API: their effect before they are saved, a query's price explained, earnings, a day's limit."""

import pytest

from labeling import answering, asking
from labeling.models import Project
from rewards import ledger
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now
from tests.speaking import Speaker

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(items=2, cell_price=10, agree_count=2)


@pytest.fixture
def owner(project):
    return Speaker(project.members.get(role="owner").user)


def test_a_change_is_priced_before_it_is_saved(project, owner):
    a_query(project)
    reply = owner.post(f"projects/{project.slug}/prices/effect/", {"cell_price": 15, "hourly_floor": 3600 * 4})
    assert reply.status_code == 200
    said = reply.json()
    assert said["imagined"] is False
    assert said["before"]["overall"]["queue"] == 20
    assert said["after"]["kinds"]["yes_no"]["queue"] == 48  # 6 s of work at 4 a second, rounded up
    assert (said["before"]["buys"], said["after"]["buys"]) == (1000, 416)
    assert said["after"]["overall"]["raised"] == 1
    assert Project.objects.get().cell_price == 10


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"cell_price": "5"}, "invalid"),
        ({"name": "Free"}, "unknown_setting"),
        ({"price_floor": 9, "price_ceiling": 5}, "refused"),
        ({"factors": {"luck": 1}}, "refused"),
        ({"price_by": "mood"}, "invalid"),
    ],
    ids=str,
)
def test_prices_that_cannot_be_are_refused(project, owner, body, code):
    reply = owner.post(f"projects/{project.slug}/prices/effect/", body)
    assert reply.status_code == 400
    assert reply.json()["code"].startswith(code) or reply.json()["code"] == code


def test_the_new_settings_are_saved_like_the_others(project, owner):
    changes = {"price_by": "time", "hourly_rate": 900, "hourly_floor": 60, "equal_pay": True, "least_told": 0.5}
    assert owner.patch(f"projects/{project.slug}/", changes).json()["settings"].items() >= changes.items()
    project.refresh_from_db()
    assert (project.price_by, project.hourly_rate, project.equal_pay) == ("time", 900, True)


def test_any_query_explains_its_price_for_anybody(project, owner):
    Project.objects.update(factors={"rating": 1.0}, price_floor=20)
    query = a_query(project, state="closed")
    worker = a_worker(project, rating=0.8)
    address = f"projects/{project.slug}/queries/{query.pk}/price/"
    said = owner.get(address, worker=worker.pk).json()
    assert (said["source"], said["base"], said["price"], said["clamped"]) == ("1 cell at 10", 10.0, 20, "floor")
    assert said["factors"][0]["name"] == "rating"
    assert said["factors"][0]["fact"] == 0.8 and said["factors"][0]["multiplier"] == pytest.approx(1.47, abs=0.01)
    assert owner.get(address).json()["factors"][0]["fact"] == 0.8  # the median of one
    assert owner.get(address, worker=999).status_code == 404
    assert owner.get(f"projects/{project.slug}/queries/999/price/").status_code == 404


def test_earnings_are_told_by_kind_and_by_worker(project, owner):
    query, worker = a_query(project), a_worker(project, "ada")
    held = asking.next_assignment(worker, now=now())
    answering.record(held, an_answer(query, ["cat"]), now=now())
    said = owner.get(f"projects/{project.slug}/earnings/").json()
    assert said["overall"]["paid"] == said["kinds"]["yes_no"]["paid"] == 10
    (row,) = said["workers"]
    assert (row["username"], row["answers"], row["paid"]) == ("ada", 1, 10)
    assert row["hourly"] == round(10 * 3600 / row["seconds"])


def test_a_day_is_limited_and_says_what_it_has_spent(project, owner):
    address = f"projects/{project.slug}/budget/limit/"
    assert owner.post(address, {"amount": 50}).json()["today"]["limit"] == 50
    ledger.reserve(project.budget, 20)
    today = owner.get(f"projects/{project.slug}/").json()["budget"]["today"]
    assert (today["spent"], today["limit"]) == (20, 50)
    assert owner.post(address, {"amount": None}).json()["today"]["limit"] is None
    assert owner.post(address, {"amount": -1}).status_code == 400


def test_a_worker_is_told_by_code_that_the_day_is_spent(project):
    ledger.limit_days(project.budget, 5)
    a_query(project)
    reply = Speaker(a_worker(project).user).post(f"projects/{project.slug}/next/")
    assert reply.status_code == 204 and "today" in reply.headers.values()


def test_researchers_read_and_workers_do_not(project):
    researcher = a_user()
    project.members.create(user=researcher, role="researcher")
    addresses = ["earnings/", f"queries/{a_query(project).pk}/price/"]
    assert {Speaker(researcher).get(f"projects/{project.slug}/{one}").status_code for one in addresses} == {200}
    assert Speaker(researcher).post(f"projects/{project.slug}/budget/limit/", {"amount": 5}).status_code == 403
    worker = Speaker(a_worker(project).user)
    assert {worker.get(f"projects/{project.slug}/{one}").status_code for one in addresses} <= {403, 404}
