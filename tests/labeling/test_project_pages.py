"""Queries and runs as pages, and what they do with hostile text and with what nobody's browser sends."""

import pytest
from django.urls import reverse

from labeling import asking
from labeling.models import Project
from tests.making import a_project, a_query, a_run, a_user, a_worker, an_item, measured, now
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db

PAGES = ["project", "project_loop", "project_settings", "project_items", "project_people", "project_money"]
PAGES += ["project_queries", "project_export"]


@pytest.fixture
def project():
    return a_project(items=4, owner=a_user("olga"))


@pytest.fixture
def owner(client, project):
    return sign_in(client, project.members.get().user)


def sign_in(client, user):
    client.force_login(user)
    return client


# --- queries and runs -------------------------------------------------------------------------------------------------


def test_queries_are_listed_by_value_and_filtered_by_kind_and_state(owner, project):
    low, high = a_query(project, value=0.1, reason="low"), a_query(project, value=2, reason="high")
    grid = a_query(project, "items", value=1, reason="grid")
    done = a_query(project, state="closed", reason="done")
    assert [row.pk for row in page(owner, project, "project_queries").context["shown"]] == [high.pk, grid.pk, low.pk]
    assert [row.pk for row in page(owner, project, "project_queries", kind="items").context["shown"]] == [grid.pk]
    assert [row.pk for row in page(owner, project, "project_queries", state="closed").context["shown"]] == [done.pk]


@pytest.mark.parametrize("query", [{"page": "-1"}, {"page": "9" * 40}, {"state": "<b>"}, {"kind": "'"}, {"page": "a"}])
def test_a_forged_page_or_filter_shows_the_list(owner, project, query):
    a_query(project)
    assert len(page(owner, project, "project_queries", **query).context["shown"]) == 1


def test_a_query_shows_what_it_asks_and_how_its_reward_comes_about(owner, project):
    Project.objects.update(factors={"training_value": 1.0})
    query = a_query(
        project, items=[an_item(project, "the-item", text="Is it <b>bold</b>?")],
        reason="close call", signals={"cells": 1, "training_value": 1.0}, drawn=0.25, purpose="random",
    )  # fmt: skip
    shown = text(page(owner, project, "project_query", query.pk))
    assert "Training value" in shown and "× 2.00" in shown and "20\N{NO-BREAK SPACE}points" in shown
    assert "the-item" in shown and "Is it &lt;b&gt;bold&lt;/b&gt;?" in shown
    assert "25.0%" in shown


def test_a_run_shows_its_verdict_and_the_least_sure_category_first(owner, project):
    a_run(project, metrics=measured(0.9, 60), message="Published: it is the first.", training_items=20)
    answer = page(owner, project, "project_run", 1)
    assert "Published: it is the first." in text(answer) and "Logistic regression" in text(answer)
    assert "60 items drawn at random. It thought 87.6%." in text(answer)
    assert [name for name, _ in answer.context["confidences"]] == ["cat", "dog", "bird"]


def test_a_run_shows_who_was_heard_the_loudest_first(owner, project):
    a_run(project, metrics=measured(0.9, 60) | {"voices": {"extra trees": 0.125, "spreading": 0.5}})
    shown = text(page(owner, project, "project_run", 1))
    assert shown.index("Spreading") < shown.index("Extra trees")
    assert "0.50" in shown
    a_run(project, number=2, metrics=measured(0.9, 60))
    assert "Who was heard" not in text(page(owner, project, "project_run", 2))


def test_a_run_of_a_classifier_no_longer_offered_is_still_shown(owner, project):
    a_run(project, classifier="gone")
    assert "gone" in text(page(owner, project, "project_run", 1))


@pytest.mark.parametrize("number", [0, 99, 10**15, 10**30])
def test_a_run_that_is_not_there_is_not_found(owner, project, number):
    assert page(owner, project, "project_run", number).status_code == 404


# --- hostile text -----------------------------------------------------------------------------------------------------


def test_hostile_text_is_inert_on_every_page(client):
    hostile = "<script>alert(1)</script>"
    project = a_project(name=f"N {hostile}", categories=[f"A {hostile}", "B"], owner=a_user("o"))
    item = an_item(project, f"I {hostile}", text=f"T {hostile}")
    worker = a_worker(project, "w")
    asking.report(item, worker, f"R {hostile}", now())
    query = a_query(project, "categories", items=[item], reason=f"because {hostile}")
    a_run(project, message=f"M {hostile}", metrics=measured(0.5, 3) | {"by_category": {f"A {hostile}": 0.5}})
    sign_in(client, project.members.get(role="owner").user)
    pages = [page(client, project, name) for name in PAGES]
    pages += [page(client, project, "project_query", query.pk), page(client, project, "project_run", 1)]
    for shown in pages:
        assert shown.status_code == 200
        assert hostile not in text(shown)
    assert "&lt;script&gt;" in text(pages[0])


def test_a_superuser_may_change_every_project(client, project):
    sign_in(client, a_user(is_superuser=True))
    assert post(client, project, "project_state", state="paused").status_code == 302
    project.refresh_from_db()
    assert project.state == "paused"


# --- what nobody's browser sends --------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["queries/{}/", "runs/{}/", "people/{}/set-aside/"])
@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**40])
def test_a_number_that_names_nothing_is_not_found(owner, project, address, number):
    url = reverse("project", args=[project.slug]) + address.format(number)
    assert owner.get(url).status_code == 404
    assert owner.post(url, {"aside": "1"}).status_code in (404, 405)


NONSENSE = ["", "\0", "\ud800".encode("utf-8", "surrogatepass"), "💥" * 300, "-1", "1e309", "[]", "%00", "null", " "]
FIELDS = ["state", "aside", "add", "remove", "describe", "categories", "renew", "withdraw", "restore", "lines", "name"]
FIELDS += ["fund", "fund-amount", "fund-key"]
FORMS = ["project_state", "project_settings", "project_items", "project_people", "project_money"]


@pytest.mark.parametrize("words", NONSENSE, ids=repr)
@pytest.mark.parametrize(
    "name", ["project_state", "project_settings", "project_items", "project_people", "project_money"]
)
def test_nonsense_in_any_field_is_answered_with_a_sentence(owner, project, name, words):
    for field in FIELDS:
        answer = post(owner, project, name, **{field: words})
        assert answer.status_code < 500, field
        assert answer.status_code == 302 or len(text(answer)) > 100, field
    assert owner.post(reverse("new_project"), dict.fromkeys(FIELDS, words)).status_code in (302, 422)


def test_a_body_too_large_is_refused(owner, project, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert post(owner, project, "project_items", lines="x" * 2000).status_code == 400
    assert project.items.count() == 4
