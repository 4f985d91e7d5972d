"""How somebody begins and is halted, in two browsers at once: the qualification test, and a pause on suspicion."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from labeling.models import Member, Project
from tests.crowding import a_crowd, said_by
from tests.journeys.conftest import DESKTOP, PHONE, card, sign_in
from tests.making import a_project, a_query, a_user, a_worker
from tests.teaching import a_testing_project

pytestmark = pytest.mark.django_db(transaction=True)


def begin(page, worker):
    sign_in(page, worker.user)
    page.get_by_role("link", name="Begin").click()
    page.get_by_role("button", name="Begin").wait_for()


def answer(page, truth):
    """Answer the query on the card as if its items were this category, whatever its kind."""
    form = page.locator("form.query")
    named = page.locator("#question strong")
    before = form.get_attribute("action")
    if form.locator("button[name=answer]").count():
        page.keyboard.press("y" if named.inner_text() == truth else "n")
    elif named.count():
        for tile in form.locator(".tile-yes").all() if named.inner_text() == truth else ():
            tile.click()
        page.keyboard.press("Enter")
    else:
        form.get_by_role("radio", name=truth).check()
        form.locator(".submit").click()
    expect(page.locator(f'form.query[action="{before}"]')).to_have_count(0)


def people_page(page, admin, project):
    sign_in(page, admin)
    page.get_by_role("link", name=project.name).click()
    page.get_by_role("navigation", name="Project").get_by_role("link", name="People").click()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_newcomer_who_passes_the_test_is_paid_from_then_on(open_page, device):
    worker, page = a_worker(a_testing_project(name="Pets", instructions="Look closely.")), open_page(**device)
    begin(page, worker)
    expect(page.get_by_text("It begins with a test of 3 queries, which are not paid.")).to_be_visible()
    page.get_by_role("button", name="Begin").click()
    for number in range(1, 4):
        expect(page.get_by_text(f"Qualification test, {number} of 3.")).to_be_visible()
        assert card(page).reward == "test, unpaid"
        answer(page, "cat")
    expect(page.locator("#card").get_by_text("You passed the test, 100% of it was right.")).to_be_visible()
    assert card(page).reward.endswith("points")
    assert Member.objects.get(pk=worker.pk).test_score == 1.0


def test_whoever_fails_the_test_is_told_kindly_and_let_in_by_an_admin(open_page):
    project = a_testing_project(name="Pets", owner=a_user("olga"))
    worker, page, desk = a_worker(project, "wim"), open_page(), open_page()
    begin(page, worker)
    page.get_by_role("button", name="Begin").click()
    for truth in ("dog", "dog", "cat"):
        page.locator("form.query").wait_for()
        answer(page, truth)
    expect(page.get_by_text("Thank you for taking the test.")).to_be_visible()
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("Its admin can still let you in.")).to_be_visible()

    people_page(desk, project.members.get(role="owner").user, project)
    expect(desk.get_by_role("row", name=re.compile("wim")).get_by_text("Below the pass mark")).to_be_visible()
    desk.get_by_role("link", name="wim", exact=True).click()
    expect(desk.get_by_text("33% right")).to_be_visible()
    desk.get_by_role("button", name="Let them in without it").click()
    expect(desk.get_by_text("You let them in, whatever the test says.")).to_be_visible()

    page.get_by_role("button", name="Look again").click()
    page.locator("form.query").wait_for()
    assert card(page).reward.endswith("points")


@pytest.fixture
def watched():
    """A project that pauses who guesses; of six workers the first does."""
    project = a_project(name="Pets", owner=a_user("olga"), items=2, on_guessing="pause")
    said = said_by()
    said[:, 0] = np.random.default_rng(1).integers(3, size=len(said))
    return project, a_crowd(project, said)[0]


def test_a_pause_on_suspicion_is_said_kindly_and_lifted_by_an_admin(open_page, watched):
    project, guesser = watched
    a_query(project)
    page, desk = open_page(**PHONE), open_page()
    people_page(desk, project.members.get(role="owner").user, project)
    desk.get_by_role("button", name="Look now").click()
    expect(desk.get_by_role("region", name="Worth a look").get_by_text("Paused")).to_be_visible()

    sign_in(page, guesser.user)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Your work here rests: an admin wants to look at some answers first.")).to_be_visible()
    expect(page.get_by_text("What you have earned is yours.")).to_be_visible()
    expect(page.locator("form.query")).to_have_count(0)

    desk.get_by_role("link", name=guesser.user.username).first.click()
    expect(desk.get_by_role("heading", name=re.compile("Paused since"))).to_be_visible()
    desk.get_by_role("button", name="Let them go on").click()
    expect(desk.get_by_text("Nothing speaks against these answers.")).to_be_visible()

    page.get_by_role("button", name="Look again").click()
    expect(page.locator("form.query")).to_be_visible()
    assert not Member.objects.get(pk=guesser.pk).paused


def test_a_member_is_taken_out_while_working(open_page):
    project = a_project(name="Pets", owner=a_user("olga"))
    a_query(project), a_query(project)
    worker, page, desk = a_worker(project, "wim"), open_page(**PHONE), open_page()
    begin(page, worker)
    page.get_by_role("button", name="Begin").click()
    page.locator("form.query").wait_for()
    assert Project.objects.get().budget.figures().reserved > 0

    people_page(desk, project.members.get(role="owner").user, project)
    desk.get_by_role("link", name="wim", exact=True).click()
    desk.get_by_role("link", name="Role").click()
    desk.get_by_role("button", name="Take out").click()
    expect(desk.get_by_text("wim is no longer worker here.")).to_be_visible()

    page.keyboard.press("y")
    expect(page.get_by_role("alert")).not_to_be_empty()
    page.goto("/")
    expect(page.get_by_text("You are in no project.")).to_be_visible()
    assert Project.objects.get().budget.figures().reserved == 0
