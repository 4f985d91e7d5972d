"""A browser, for journeys through the house as people make them: the real server, its threads, a database in a file."""

import os
import shutil
from types import SimpleNamespace

import pytest

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2,
    "color_scheme": "dark",
}  # fmt: skip


@pytest.fixture(scope="session")
def chromium():
    """Debian's chromium. Without it these journeys are skipped on a person's machine, and fail where CI is set."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program and not os.environ.get("CI"):
        pytest.skip("no chromium is installed (Debian: apt install chromium)")
    # playwright keeps an event loop in this thread; the ORM may be used beside it all the same.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong
    arguments = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    arguments += [] if os.geteuid() else ["--no-sandbox"]  # root has no sandbox
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def open_page(chromium, live_server):
    """open_page(**context options) -> a page of its own; at the end none may have failed or broken the policy."""
    opened, complaints = [], []

    def open_page(**options):
        context = chromium.new_context(base_url=live_server.url, **(options or DESKTOP))
        context.set_default_timeout(15_000)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert complaints == []


def sign_in(page, user, password="correct horse"):
    page.goto("/")
    page.get_by_label("Username").fill(user.username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("/")


def card(page) -> SimpleNamespace:
    """What the card says: its question, its reward, the balance below it."""
    figures = dict(
        zip(page.locator(".tally dt").all_inner_texts(), page.locator(".tally dd").all_inner_texts(), strict=True)
    )
    return SimpleNamespace(
        question=page.locator("#question").inner_text(), **{k.lower(): v for k, v in figures.items()}
    )
