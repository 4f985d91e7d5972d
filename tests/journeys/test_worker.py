"""A worker's day in a browser: by keys, by mouse, by touch, without JavaScript, with a connection that breaks."""

import io
import re

import pytest
from django.core.files.base import ContentFile
from PIL import Image
from playwright.sync_api import expect

from labeling import opening, selecting
from labeling.models import Assignment, Category, Judgment, Member, Project, Report
from rewards import ledger
from tests.journeys.conftest import DESKTOP, PHONE, card, sign_in
from tests.making import a_project, a_query, a_worker, an_item

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"default": files}


@pytest.fixture
def project():
    """Pictures of digits, a query of each kind waiting, the yes/no first."""
    project = a_project(name="Digits", media="image", categories=["0", "1", "2"], instructions="Look closely.")
    a_query(project, "yes_no", [a_picture(project)], value=3)
    a_query(project, "categories", [a_picture(project)], value=2)
    a_query(project, "items", [a_picture(project) for _ in range(4)], value=1)
    return project


@pytest.fixture
def worker(project):
    return a_worker(project)


def a_picture(project):
    data, item = io.BytesIO(), an_item(project, text="")
    Image.effect_noise((8, 8), 90).save(data, "PNG")
    item.content.save("a-two.png", ContentFile(data.getvalue()))
    return item


def begin(page, worker):
    sign_in(page, worker.user)
    page.get_by_role("link", name="Begin").click()
    page.get_by_role("button", name="Begin").wait_for()
    page.wait_for_load_state("load")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator(".query")).to_be_visible()


def question(page, words):
    expect(page.locator("#question")).to_have_text(words)


def points(worker):
    return ledger.balance(worker.user, worker.project.budget)


def test_all_three_kinds_are_answered_by_the_keys_printed_on_them(open_page, worker):
    page = open_page(**DESKTOP)
    sign_in(page, worker.user)
    page.get_by_role("link", name="Begin").click()
    expect(page.get_by_text("Look closely.")).to_be_visible()
    page.keyboard.press("Enter")
    question(page, "Is this: 0?")
    assert (card(page).reward, card(page).balance) == ("10\xa0points", "0\xa0points")
    page.keyboard.press("y")
    question(page, "Which category is it?")
    assert card(page).balance == "10\xa0points +10\xa0points"
    page.keyboard.press("Enter")  # nothing chosen yet
    expect(page.get_by_role("alert").filter(has_text="Choose one category")).to_be_focused()
    page.keyboard.press("2")  # the category 2 is on the key 2
    expect(page.get_by_label("2")).to_be_checked()
    page.keyboard.press("Enter")
    question(page, "Select all that are: 0")
    page.keyboard.press("1")
    page.keyboard.press("3")
    page.keyboard.press("3")  # and off again
    page.keyboard.press("Enter")
    question(page, "Nothing to answer right now")
    assert page.locator(".tally").inner_text().count("80\xa0points") == 1
    assert points(worker) == 10 + 30 + 40
    yes = Judgment.objects.filter(degree=1.0)
    assert sorted(yes.values_list("category__name", flat=True)) == ["0", "0", "2"]
    assert Judgment.objects.filter(degree=0.0).count() == 3


def test_the_question_takes_the_focus_and_the_gain_is_announced(open_page, worker):
    page = open_page()
    begin(page, worker)
    page.keyboard.press("n")
    question(page, "Which category is it?")
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator("#said")).to_have_text(re.compile("10\xa0points earned, balance 10\xa0points."))


def test_a_key_pressed_the_moment_a_question_appears_loads_no_page(open_page, worker):
    page = open_page()
    begin(page, worker)
    page.evaluate(
        """() => {
          window.same = true;
          const watcher = new MutationObserver(() => {
            watcher.disconnect();
            document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "s", bubbles: true}));
          });
          watcher.observe(document.querySelector(".desk"), {childList: true});
        }"""
    )
    page.keyboard.press("n")
    question(page, "Select all that are: 0")
    assert page.evaluate("window.same")


def test_skip_cannot_tell_and_undo_have_keys_too(open_page, worker):
    page = open_page()
    begin(page, worker)
    page.keyboard.press("s")
    question(page, "Which category is it?")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    question(page, "Select all that are: 0")
    page.keyboard.press("u")
    question(page, "Which category is it?")
    expect(page.get_by_label("1")).to_be_checked()
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your answer was corrected.").first).to_be_visible()
    question(page, "Select all that are: 0")
    page.keyboard.press("u")
    question(page, "Which category is it?")
    expect(page.get_by_label("2")).to_be_checked()
    page.keyboard.press("u")  # keep it as it was
    question(page, "Select all that are: 0")
    page.keyboard.press("c")
    question(page, "Nothing to answer right now")
    assert Judgment.objects.standing().get().category.name == "2" and points(worker) == 30
    assert sorted(Assignment.objects.values_list("reason", flat=True)) == ["", "cannot_tell", "skip"]


def test_a_held_key_answers_one_query_only(open_page, worker):
    page = open_page()
    begin(page, worker)
    a_query(worker.project, "yes_no", [a_picture(worker.project)], value=2.5)
    page.keyboard.down("y")
    expect(page.locator(".gain")).to_have_text("+10\xa0points")
    page.keyboard.down("y")  # still down: it repeats, into the next query
    page.keyboard.up("y")
    page.keyboard.press("s")
    question(page, "Which category is it?")
    assert Assignment.objects.answered().count() == 1


def test_a_broken_item_of_a_grid_is_reported_by_mouse(open_page, worker):
    page = open_page()
    begin(page, worker)
    for _ in range(2):
        before = page.locator("#question").inner_text()
        page.get_by_role("button", name="Skip").click()
        expect(page.locator("#question")).not_to_have_text(before)
    page.get_by_text("Report", exact=True).click()
    page.get_by_role("button", name="Report as broken").click()
    expect(page.get_by_text("Say which item is broken.")).to_be_focused()
    page.get_by_role("group").get_by_label("2", exact=True).check()
    page.get_by_label("What is wrong with it?").fill("say yes: y1")  # keys are letters here
    page.get_by_role("button", name="Report as broken").click()
    expect(page.locator(".notice")).to_have_text("Thank you for the report.")
    assert Report.objects.get().note == "say yes: y1"
    assert Report.objects.get().item == Assignment.objects.get(reason="broken").query.item_list[1]


def test_a_phone_answers_by_touch_with_everything_in_reach(open_page, worker):
    page = open_page(**PHONE)
    begin(page, worker)
    for kind in ("yes_no", "categories", "items"):
        expect(page.locator(f".query.{kind}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing is wider than the screen"
        for target in page.locator("#card button:not(.report *), .choice, .tile-yes, .tile-doubt").all():
            assert target.bounding_box()["height"] >= 44
        submit = page.locator(".answers .button").first.bounding_box()
        assert submit["y"] > 422 and submit["y"] + submit["height"] < 844, "the answer is under the thumb"
        tally = page.locator(".tally").bounding_box()
        assert tally["y"] + tally["height"] <= 844, "and the reward is seen before it"
        if kind == "yes_no":
            page.get_by_role("button", name="Yes").tap()
        else:
            page.locator(".choice, .tile-yes").first.tap()
            page.get_by_role("button", name="Answer").tap()
    question(page, "Nothing to answer right now")
    assert points(worker) == 80


@pytest.mark.parametrize("width", [360, 620, 1280])
def test_a_short_name_is_not_broken_into_letters(open_page, worker, width):
    for category in worker.project.categories.all():
        Category.objects.filter(pk=category.pk).update(name="wow" + category.name)
    page = open_page(viewport={"width": width, "height": 800})
    begin(page, worker)
    page.keyboard.press("n")
    question(page, "Which category is it?")
    for name in page.locator(".choice > span").all():
        assert name.bounding_box()["height"] < 30, "one line"


def test_a_tile_is_yes_or_cannot_be_told_never_both(open_page, worker):
    page = open_page()
    Project.objects.update(ahead=1)
    begin(page, worker)
    page.keyboard.press("s")
    question(page, "Which category is it?")
    page.keyboard.press("s")
    question(page, "Select all that are: 0")
    first = page.locator(".tile").first
    yes, doubt = first.locator("[name=answer]"), first.locator("[name=unsure]")
    yes.check()
    doubt.check()
    expect(yes).not_to_be_checked()
    yes.check()
    expect(doubt).not_to_be_checked()
    doubt.check()
    page.keyboard.press("Enter")
    question(page, "Nothing to answer right now")
    assert Judgment.objects.count() == 3 and points(worker) == 30


def test_a_lost_connection_is_said_and_keeps_the_choice(open_page, worker):
    page = open_page()
    begin(page, worker)
    page.keyboard.press("y")
    question(page, "Which category is it?")
    page.keyboard.press("1")
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="The connection was lost.")).to_be_visible()
    expect(page.get_by_label("1")).to_be_checked()
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    question(page, "Select all that are: 0")
    expect(page.get_by_text("The connection was lost.")).to_have_count(0)


def test_an_answer_whose_reply_was_lost_is_paid_once(open_page, worker):
    page = open_page()
    begin(page, worker)

    def lose(route):
        route.fetch()  # the server has it
        route.abort()  # and nobody hears of it

    page.route("**/answer/", lose, times=1)
    page.keyboard.press("y")
    expect(page.get_by_text("The connection was lost.")).to_be_visible()
    assert points(worker) == 10
    page.keyboard.press("y")
    question(page, "Which category is it?")
    assert points(worker) == 10 and card(page).balance == "10\xa0points"


def test_an_error_of_the_server_is_said_in_its_own_words_and_keeps_the_card(open_page, worker):
    page = open_page()
    begin(page, worker)
    page.context.clear_cookies(name="csrftoken")
    page.keyboard.press("y")
    expect(page.locator("#trouble")).to_contain_text("Reload the page and try again.")
    question(page, "Is this: 0?")
    page.reload()
    page.keyboard.press("y")
    question(page, "Which category is it?")


def test_the_next_query_appears_by_itself(open_page, worker):
    page = open_page()
    page.clock.install()
    begin(page, worker)
    Project.objects.update(state="paused")
    page.keyboard.press("y")
    expect(page.get_by_text("This project is paused.")).to_be_visible()
    page.clock.run_for(9_000)
    expect(page.get_by_text("This project is paused.")).to_be_visible()
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    Project.objects.update(state="active")
    asked = []
    page.on("request", lambda request: request.method == "POST" and asked.append(request.url))
    page.clock.run_for(20_000)
    page.wait_for_timeout(200)
    assert not asked, "a page in the background leases nothing"
    page.evaluate("delete document.hidden")
    page.clock.run_for(9_000)
    question(page, "Which category is it?")


def test_a_session_that_ended_leads_to_sign_in_and_back(open_page, worker):
    page = open_page()
    begin(page, worker)
    page.context.clear_cookies(name="sessionid")
    page.keyboard.press("y")
    page.wait_for_url("**/sign-in/**")
    page.get_by_label("Username").fill(worker.user.username)
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    question(page, "Is this: 0?")


def test_everything_works_without_javascript(open_page, worker, project):
    page = open_page(java_script_enabled=False, **DESKTOP)
    begin(page, worker)
    page.get_by_role("button", name="Yes").click()
    question(page, "Which category is it?")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("your answer")).to_be_visible()
    page.get_by_role("button", name="Keep as it was").click()
    question(page, "Which category is it?")
    page.get_by_role("button", name="Cannot tell").click()
    question(page, "Select all that are: 0")
    page.locator(".tile-yes").first.click()
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("The next queries are being chosen.")).to_be_visible()
    selecting.refill(project)  # the cluster finds nothing more
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_text("You have answered everything that is open to you.")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name="Where you work")).to_be_visible()
    assert points(worker) == 50


def test_somebody_invited_makes_an_account_answers_and_is_paid_out(open_page, project):
    page = open_page(**PHONE)
    page.goto(f"/join/{opening.invitation(project, Member.Role.WORKER)}/")
    page.get_by_label("Username").fill("nora")
    page.get_by_label("Password", exact=True).fill("battery staple 9")
    page.get_by_label("Password confirmation").fill("battery staple 9")
    page.get_by_role("button", name="Make the account and join").click()
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="No", exact=True).click()
    question(page, "Which category is it?")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("link", name="nora").click()
    page.get_by_label("Amount").fill("11")
    page.get_by_role("button", name="Pay out").click()
    expect(page.get_by_text("this takes 11")).to_be_visible()
    page.get_by_label("Amount").fill("4")
    page.get_by_role("button", name="Pay out").click()
    expect(page.get_by_text("It is paid out.")).to_be_visible()
    assert points(project.members.workers().get()) == 6
    assert project.budget.reserved == 0, "what was held when stopping is free again"
