"""Whichever page of a project one is on, the tab that leads to it is lit."""

import re

import pytest

from tests.making import a_project, a_query, a_run, a_user, a_worker
from tests.visiting import page, text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "lit", "said"),
    [
        ("project", "Overview", "page"), ("project_run", "Overview", "true"),
        ("project_queries", "Queries", "page"), ("project_query", "Queries", "true"),
        ("project_people", "People", "page"), ("project_agreement", "People", "true"),
        ("project_worker", "People", "true"), ("project_member", "People", "true"), ("set_aside", "People", "true"),
        ("project_settings", "Settings", "page"),
    ],
)  # fmt: skip
def test_the_tab_that_leads_to_a_page_is_lit(client, name, lit, said):
    project = a_project(owner=a_user("olga"))
    worker, query, run = a_worker(project).pk, a_query(project).pk, a_run(project).number
    numbers = {"project_run": run, "project_query": query}
    needs = name in (*numbers, "project_worker", "project_member", "set_aside")
    client.force_login(project.members.get(role="owner").user)
    shown = text(page(client, project, name, *([numbers.get(name, worker)] if needs else [])))
    tabs = shown.partition('<nav class="tabs"')[2].partition("</nav>")[0]
    assert re.findall(r'aria-current="(\w+)">(\w+)<', tabs) == [(said, lit)]
