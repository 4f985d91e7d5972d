"""Another budget is asked about on the overview, and answered in its place."""

import pytest
from playwright.sync_api import expect

from tests.foretelling import a_course, runs_of
from tests.journeys.conftest import DESKTOP, PHONE, sign_in
from tests.making import a_project, a_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_another_budget_and_another_aim_are_answered_in_place(open_page, device):
    user = a_user("ada")
    project = a_project(name="Moods", owner=user, funds=6_000, aim=0.9)
    runs_of(project, a_course())
    page = open_page(**device)
    sign_in(page, user)
    page.goto(f"/projects/{project.slug}/")
    expect(page.get_by_text("When 6,000")).to_be_visible()
    page.get_by_label("If spent in all").fill("2500")
    page.get_by_label("Accuracy, in %").fill("85")
    page.get_by_role("button", name="Foretell").click()
    expect(page.get_by_text("When 2,500")).to_be_visible()
    expect(page.get_by_text("For 85.0% you would need about")).to_be_visible()
    expect(page.get_by_role("heading", name="Moods")).to_be_visible()
