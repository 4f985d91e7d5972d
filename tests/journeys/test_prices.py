"""An admin sets prices in a browser: what they come to changes while they are typed, and holds once they are saved."""

import pytest
from playwright.sync_api import expect

from labeling import asking
from labeling.models import Project
from rewards import ledger
from tests.journeys.conftest import DESKTOP, PHONE, sign_in
from tests.making import a_project, a_query, a_user, a_worker, now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project():
    project = a_project(name="Moods", owner=a_user("ada"), cell_price=10, agree_count=2, instructions="Which mood?")
    a_query(project)
    a_query(project, "items")
    return project


def prices(page, live_server, project):
    sign_in(page, project.members.get(role="owner").user)
    page.goto(f"{live_server.url}/projects/{project.slug}/prices/")
    return page.locator("#effect")


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_prices_come_to_is_seen_while_they_are_typed(open_page, live_server, project, device):
    page = open_page(**device)
    effect = prices(page, live_server, project)
    expect(effect.get_by_text("By the prices that hold.")).to_be_visible()
    page.get_by_label("Price of a cell").fill("15")
    expect(effect.get_by_text("Nothing is saved yet.")).to_be_visible()
    expect(effect.locator(".figure", has_text="The open queue will cost")).to_contain_text("120")
    assert Project.objects.get().cell_price == 10
    page.get_by_label("Floor", exact=True).fill("2000")
    expect(effect.get_by_text("The ceiling must not be below the floor")).to_be_visible()
    page.get_by_label("Floor", exact=True).fill("0")
    page.get_by_role("button", name="Save the prices").click()
    expect(page.get_by_text("The prices were saved.")).to_be_visible()
    assert Project.objects.get().cell_price == 15
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_worker_reads_that_todays_money_is_spent(open_page, live_server, project):
    ledger.limit_days(project.budget, 25)
    asking.next_assignment(a_worker(project), now=now())
    asking.next_assignment(a_worker(project), now=now())
    page = open_page(**PHONE)
    sign_in(page, a_worker(project, "ben").user)
    page.goto(f"{live_server.url}/work/{project.slug}/")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("It goes on at midnight (UTC).")).to_be_visible()
    expect(page.get_by_text("That is in")).to_be_visible()
