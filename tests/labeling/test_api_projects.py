"""Projects through the API: opened, read, changed, funded, paid out from."""

import pytest

from labeling.models import Project
from rewards import ledger
from tests.making import a_project, a_query, a_user, a_worker
from tests.speaking import Speaker

pytestmark = pytest.mark.django_db

BIRDS = {
    "name": "Birds of the lake",
    "instructions": "Which bird is it?",
    "media": "image",
    "exclusive": False,
    "categories": ["tit", "owl"],
}


def owner_of(project):
    return Speaker(project.members.get(role="owner").user)


def test_a_project_is_opened_by_its_fixed_names_and_its_slug_is_its_id():
    speaker = Speaker(a_user())
    reply = speaker.post("projects/", BIRDS)
    assert reply.status_code == 201
    said = reply.json()
    assert {name: said[name] for name in BIRDS} == BIRDS
    assert (said["id"], said["state"], said["roles"]) == ("birds-of-the-lake", "active", ["owner"])
    assert speaker.get("projects/birds-of-the-lake/").json() == said


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"media": "smell"}, "media"),
        ({"exclusive": "yes"}, "exclusive"),
        ({"categories": "tit"}, "categories"),
        ({"categories": ["tit", "tit"]}, "categories"),
        ({"categories": ["tit", 3]}, "categories"),
        ({"categories": [""]}, "categories"),
        ({"categories": ["tit"], "exclusive": True}, "categories"),
        ({"categories": ["\xe9", "e\u0301"]}, "categories"),
        ({"instructions": None}, "instructions"),
    ],
)
def test_a_project_that_cannot_be_is_refused_by_field_and_leaves_nothing(change, field):
    reply = Speaker(a_user()).post("projects/", BIRDS | change)
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    assert not Project.objects.exists()


def test_the_list_shows_ones_own_projects_a_page_at_a_time():
    user = a_user()
    mine = [a_project(owner=user) for _ in range(3)]
    a_project()
    speaker = Speaker(user)
    page = speaker.get("projects/", limit=2).json()
    assert [row["id"] for row in page["results"]] == [mine[0].slug, mine[1].slug]
    rest = speaker.said("get", page["next"].removeprefix("http://testserver")).json()
    assert [row["id"] for row in rest["results"]] == [mine[2].slug]
    assert rest["next"] is None and rest["previous"]


def test_those_who_run_it_see_the_figures_and_workers_do_not():
    project = a_project(items=3, funds=500)
    a_query(project)
    said = owner_of(project).get(f"projects/{project.slug}/").json()
    today = said["budget"].pop("today")
    assert (today["spent"], today["limit"]) == (0, None)
    assert said["budget"] == {"currency": "points", "funded": 500, "available": 500, "reserved": 0, "spent": 0}
    counts = {"items": 4, "agreed_items": 0, "unclassified": 0, "open_queries": 1, "workers": 0}
    assert said["counts"] == counts
    assert said["published"] is None and said["settings"]["wanted"] == 3
    worker = Speaker(a_worker(project).user).get(f"projects/{project.slug}/").json()
    assert worker["categories"] == ["cat", "dog", "bird"]
    assert not {"budget", "counts", "published", "settings"} & set(worker)


def test_settings_change_by_name_and_the_others_stay():
    project = a_project(queue_size=7)
    said = owner_of(project).patch(
        f"projects/{project.slug}/", {"wanted": 5, "state": "paused", "factors": {"rating": 1}}
    )
    assert (said.json()["settings"]["wanted"], said.json()["state"]) == (5, "paused")
    project.refresh_from_db()
    assert (project.wanted, project.state, project.queue_size, project.factors) == (5, "paused", 7, {"rating": 1.0})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"wanted": 0}, "wanted"),
        ({"wanted": "5"}, "wanted"),
        ({"exam_share": 1.5}, "exam_share"),
        ({"exam_share": True}, "exam_share"),
        ({"state": "gone"}, "state"),
        ({"classifier": "os.system"}, "classifier"),
        ({"factors": {"rating": 7}}, "factors"),
        ({"factors": {"luck": 1}}, "factors"),
        ({"published": 3}, "published"),
        ({"budget": 1}, "budget"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_nothing_changes(change, field):
    project = a_project()
    reply = owner_of(project).patch(f"projects/{project.slug}/", {"queue_size": 9} | change)
    assert (reply.status_code, reply.json()["field"]) == (400, field)
    project.refresh_from_db()
    assert project.queue_size == 60


def test_settings_that_do_not_fit_together_are_refused_by_the_sentence_they_break():
    project = a_project(agree_count=2)
    reply = owner_of(project).patch(f"projects/{project.slug}/", {"wanted": 1})
    assert reply.status_code == 400 and "enough people are asked to agree" in reply.json()["message"]
    reply = owner_of(project).patch(f"projects/{project.slug}/", {"price_floor": 2000})
    assert reply.status_code == 400 and "the floor is under the ceiling" in reply.json()["message"]


def test_funding_adds_to_the_budget():
    project = a_project(funds=100)
    reply = owner_of(project).post(f"projects/{project.slug}/budget/", {"amount": 50})
    assert (reply.status_code, reply.json()["funded"], project.budget.available) == (201, 150, 150)


@pytest.mark.parametrize("amount", [0, -5, 1.5, "50", True, None, 10**16, [5]])
def test_an_amount_is_a_whole_number_of_at_least_one(amount):
    project = a_project(funds=100)
    reply = owner_of(project).post(f"projects/{project.slug}/budget/", {"amount": amount})
    assert (reply.status_code, reply.json()["field"]) == (400, "amount")
    assert project.budget.funded == 100


def test_a_budget_holds_no_more_than_the_ledger_can():
    project = a_project(funds=10**15)
    reply = owner_of(project).post(f"projects/{project.slug}/budget/", {"amount": 10**15})
    assert (reply.status_code, reply.json()["code"]) == (409, "money_refused")


def test_a_worker_redeems_at_most_the_balance():
    project = a_project()
    worker = a_worker(project)
    ledger.post(ledger.reserve(project.budget, 40), worker.user, 40)
    speaker = Speaker(worker.user)
    reply = speaker.post("payouts/", {"project": project.slug, "amount": 30})
    assert reply.json() == {"project": project.slug, "currency": "points", "amount": 30, "balance": 10}
    reply = speaker.post("payouts/", {"project": project.slug, "amount": 11})
    assert (reply.status_code, reply.json()["code"]) == (409, "insufficient_balance")
    assert speaker.post("payouts/", {"project": "nowhere", "amount": 1}).status_code == 404
    assert ledger.balance(worker.user, project.budget) == 10
