"""An admin's day in a browser: a project from nothing to its first answers, its ring turning, a spammer set aside."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from labeling import answering, asking, opening
from labeling.models import Consensus, Project, TrainingRun
from rewards import ledger
from tests.journeys.conftest import DESKTOP, PHONE, sign_in
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = "id,age,city\n" + "".join(f"c{n},{20 + n},Turin\n" for n in range(6)) + ",99,Nowhere\n"


@pytest.fixture
def admin():
    return a_user("ada")


@pytest.fixture
def project(admin):
    return a_project(name="Moods", items=6, owner=admin, instructions="Which mood?")


def tab(page, name):
    link = page.get_by_role("navigation", name="Project").get_by_role("link", name=name)
    link.click()
    expect(link).to_have_attribute("aria-current", "page")


def overview(page, user):
    sign_in(page, user)
    page.get_by_role("link", name="Moods").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Moods")


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_project_is_made_filled_funded_and_handed_out(open_page, admin, device):
    page = open_page(**device)
    sign_in(page, admin)
    page.get_by_role("link", name="New project").first.click()
    page.get_by_label("Name").fill("Customers")
    page.get_by_label("Instructions").fill("Which kind of customer is this?")
    page.get_by_label("What the items are").select_option(label="Records (named values)")
    page.get_by_role("textbox", name="Categories").fill("regular\nvisitor")
    page.get_by_role("button", name="Open the project").click()

    page.get_by_label("A CSV or JSON Lines file").set_input_files(
        {"name": "customers.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}
    )
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", name="6 items imported")).to_be_visible()
    expect(page.get_by_text("1 row refused; all others were kept")).to_be_visible()

    tab(page, "Money")
    page.get_by_role("region", name="Fund").get_by_label("Amount").fill("5000")
    page.get_by_role("button", name="Add to the budget").click()
    expect(page.get_by_text("5,000 points added.")).to_be_visible()

    tab(page, "People")
    link = page.get_by_label(re.compile("^Worker")).input_value()
    tab(page, "Overview")
    expect(page.get_by_text("5,000 of 5,000 points available")).to_be_visible()
    page.get_by_role("button", name="Refill queries").first.click()
    expect(page.get_by_text("6 queries opened.")).to_be_visible()

    guest = open_page(**device)
    guest.goto(link)
    guest.get_by_label("Username").fill("wilma")
    guest.get_by_label("Password", exact=True).fill("battery staple 9")
    guest.get_by_label("Password confirmation").fill("battery staple 9")
    guest.locator("main button").click()
    guest.wait_for_url("**" + reverse("work", args=[Project.objects.get().slug]))
    assert Project.objects.get().members.workers().get().user.username == "wilma"


def test_a_run_is_watched_until_it_is_published(open_page, admin, project):
    page = open_page()
    overview(page, admin)
    page.get_by_role("button", name="Retrain now").click()
    expect(page.get_by_text("Waiting for the training cluster to take it")).to_be_visible()
    run = TrainingRun.objects.filter(project=project)
    run.update(state="running", progress=0.5, started=now(), message="Learning from 20 items")
    expect(page.get_by_text("Learning from 20 items.")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Progress of run 1")).to_have_attribute("value", "0.5")
    run.update(state="done", finished=now(), metrics={"mean_confidence": 0.83}, message="Published: it is the first.")
    Project.objects.filter(pk=project.pk).update(published=run.get())
    expect(page.get_by_text("83.0%").first).to_be_visible()
    expect(page.get_by_role("img", name="Accuracy and mean confidence by run")).to_be_visible()


def test_a_spammer_is_set_aside_without_javascript(open_page, admin, project):
    Project.objects.update(agree_count=1, wanted=2)
    spammer = a_worker(Project.objects.get(), "spammer")
    for item in project.items.all():
        query = a_query(project, "categories", items=[item])
        assignment = asking.next_assignment(spammer, now=now())
        answering.record(assignment, an_answer(query, yes=["cat"]), now=now())
    earned = ledger.balance(spammer.user, project.budget)
    page = open_page(**DESKTOP, java_script_enabled=False)
    overview(page, admin)
    tab(page, "People")
    page.get_by_role("row", name=re.compile("spammer")).get_by_role("link", name="Set aside").click()
    page.get_by_role("button", name="Set aside").click()
    expect(page.get_by_text("consensus was recomputed for 6 items. No money moved.")).to_be_visible()
    assert not Consensus.objects.agreed().exists()
    assert ledger.balance(spammer.user, project.budget) == earned > 0
    page.get_by_role("row", name=re.compile("spammer")).get_by_role("link", name="Take back").click()
    page.get_by_role("button", name="Take back").click()
    assert Consensus.objects.agreed().count() == 6


def test_a_wrong_setting_is_found_from_the_summary_and_corrected(open_page, admin, project):
    page = open_page()
    overview(page, admin)
    tab(page, "Prices")
    page.get_by_label("Ceiling").fill("5")
    page.get_by_label("Floor", exact=True).fill("9")
    page.get_by_role("button", name="Save the prices").click()
    page.get_by_role("alert").get_by_role("link", name="Ceiling").click()
    expect(page.get_by_label("Ceiling")).to_be_in_viewport()
    page.get_by_label("Ceiling").fill("90")
    page.get_by_role("button", name="Save the prices").click()
    expect(page.get_by_text("The prices were saved.")).to_be_visible()
    assert Project.objects.get().price_ceiling == 90


def test_a_researcher_reads_the_ring_and_downloads_the_labeled_set(open_page, project):
    researcher = opening.join(a_user("rosa"), project, "researcher").user
    page = open_page()
    overview(page, researcher)
    expect(page.get_by_role("button", name="Retrain now")).to_have_count(0)
    tab(page, "Export")
    page.get_by_label(re.compile("^JSON Lines")).check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert re.fullmatch(r"moods-labeled-\d{4}-\d\d-\d\d\.jsonl", download.value.suggested_filename)
    assert len(download.value.path().read_text().splitlines()) == 6


def test_a_link_is_copied_by_its_button(open_page, admin, project):
    page = open_page(**DESKTOP, permissions=["clipboard-read", "clipboard-write"])
    overview(page, admin)
    tab(page, "People")
    page.get_by_role("button", name="Copy link").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.get_by_label(re.compile("^Worker")).input_value()


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_is_wider_than_its_screen(open_page, admin, project, device):
    query = a_query(project, "items", reason="weak category")
    a_worker(project, "w" * 60)
    page = open_page(**device)
    overview(page, admin)
    for name in ("Overview", "Queries", "Items", "People", "Money", "Settings", "Export"):
        tab(page, name)
        excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert excess <= 0, f"{name} is {excess} px too wide"
    page.goto(f"/projects/moods/queries/{query.pk}/")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
