"""The worker's page, without a browser: what each press leads to, and that nothing sent can break it."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from labeling import answering, asking
from labeling.kinds import KINDS
from labeling.models import Assignment, Judgment, Project, Query
from labeling.views import working
from rewards import ledger
from tests.making import a_project, a_query, a_user, a_worker, an_item, now
from tests.pressing import HTMX, begin, held, page_of, press, text, undo

pytestmark = pytest.mark.django_db


# --- asking ----------------------------------------------------------------------------------------------------------


def test_the_instructions_come_before_the_first_query(browser, project):
    a_query(project)
    shown = text(browser.get(page_of(project)))
    assert "Listen to the whole piece." in shown and "before you begin" in shown
    assert not Assignment.objects.exists(), "a GET leases nothing"


def test_afterwards_the_instructions_are_a_link_away(browser, project):
    a_query(project)
    begin(browser, project)
    shown = text(browser.get(page_of(project)))
    assert "before you begin" not in shown
    assert "<summary>Instructions</summary>" in shown


def test_a_get_shows_what_is_held_and_leases_no_more(browser, project):
    first = a_query(project, value=9)
    a_query(project)
    begin(browser, project)
    for _ in range(2):
        assert first.item_list[0].text in text(browser.get(page_of(project)))
    assert Assignment.objects.count() == 1


def test_the_reward_is_told_before_the_answer_and_the_balance_after(browser, project):
    a_query(project, value=2)
    a_query(project)
    assert "<dd>10\xa0points</dd>" in text(begin(browser, project))
    answered = text(press(browser, held(), answer="1"))
    assert "10\xa0points" in answered and "+10\xa0points" in answered
    assert "10\xa0points earned, balance 10\xa0points." in answered, "for those who listen to the page"


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        ("yes_no", "Is this: <strong>cat</strong>?"),
        ("categories", "Which category is it?"),
        ("items", "Select all that are: <strong>cat</strong>"),
    ],
)
def test_a_question_is_one_neutral_sentence(browser, project, kind, question):
    a_query(project, kind)
    assert question in text(begin(browser, project))


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_has_its_key_printed_on_it(browser, project, kind):
    query = a_query(project, kind)
    shown = text(begin(browser, project))
    options = KINDS[kind].field(query).options
    assert options
    for option in options:
        assert f'data-key="{option.key}"' in shown
        assert f">{option.key.upper()}</kbd>" in shown


def test_a_category_named_by_a_digit_is_on_that_key():
    query = a_query(a_project(categories=["0", "1", "2", "many"]), "categories")
    assert [(option.title, option.key) for option in KINDS["categories"].field(query).options] == [
        ("0", "0"), ("1", "1"), ("2", "2"), ("many", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_item_is_shown_with_its_identifier(browser, project, kind):
    query = a_query(project, kind, [an_item(project, f"cat-{n}") for n in range(3 if kind == "items" else 1)])
    assert query.item_list[0].identifier not in text(begin(browser, project))


def test_an_item_is_text_and_nothing_else(browser, project):
    a_query(project, items=[an_item(project, text="<script>alert(1)</script>\nsecond line")])
    shown = text(begin(browser, project))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\nsecond line" in shown and "<script>alert" not in shown


def test_a_record_shows_its_values_whatever_they_are_called(browser):
    project = a_project(media="record")
    worker = a_worker(project)
    a_query(project, items=[an_item(project, text="", values={"items": 3, "town": "<Aarhus>", "note": None})])
    browser.force_login(worker.user)
    shown = text(begin(browser, project))
    for name, value in {"items": "3", "town": "&lt;Aarhus&gt;", "note": "not known"}.items():
        assert f'<th scope="row">{name}</th><td dir="auto">{value}</td>' in shown


def test_a_record_shows_its_latest_events_a_line_each_and_counts_the_others(browser):
    project = a_project(media="record")
    worker = a_worker(project)
    events = [{"type": "visit", "at": f"2026-01-{day:02}T08:30:00Z"} for day in range(1, 12)]
    events += [{"type": "<buy>", "amount": 3.5, "gift": True, "at": "2026-02-01T10:00:00Z"}]
    values = {"home": {"town": "Aarhus"}, "events": events, "tags": ["new", "loud"], "calls": []}
    a_query(project, items=[an_item(project, text="", values=values)])
    browser.force_login(worker.user)
    shown = text(begin(browser, project))
    assert '<th scope="row">home town</th><td dir="auto">Aarhus</td>' in shown
    assert "12 events: 11 visit, 1 &lt;buy&gt;" in shown and "and 4 earlier" in shown
    lines = re.findall(r"<li>(2026.*?)</li>", shown)
    assert lines[:2] == ["2026-02-01 10:00 · &lt;buy&gt; · amount 3.5 · gift yes", "2026-01-11 08:30 · visit"]
    assert len(lines) == 8
    assert '<th scope="row">tags</th><td dir="auto">new, loud</td>' in shown
    assert '<th scope="row">calls</th><td dir="auto">none</td>' in shown


@pytest.mark.parametrize("media", ["image", "audio"])
def test_an_image_or_a_sound_is_named_neutrally(browser, media):
    project = a_project(media=media)
    worker = a_worker(project)
    item = an_item(project, text="", content="contents/a-cat.png")
    a_query(project, items=[item])
    browser.force_login(worker.user)
    shown = text(begin(browser, project))
    assert reverse("item_content", args=[item.pk]) in shown
    assert "Item to classify" in shown and "a-cat" not in shown


# --- why there is nothing --------------------------------------------------------------------------------------------


def test_with_nothing_to_ask_the_reason_is_read_and_the_page_looks_again(browser, project):
    Project.objects.update(state="paused")
    shown = text(begin(browser, project))
    assert asking.SENTENCES["paused"] in shown
    assert 'hx-trigger="submit, every 8s"' in shown


def test_nothing_moves_while_the_reason_stays_the_same(browser, project):
    Project.objects.update(state="paused")
    url = reverse("next_query", args=[project.slug])
    assert browser.post(url, {"waiting": "paused"}, headers=HTMX).status_code == 204
    Project.objects.update(state="active")
    a_query(project)
    assert "Is this:" in text(browser.post(url, {"waiting": "paused"}, headers=HTMX))


def test_an_empty_budget_is_said(browser, project):
    ledger.withdraw(project.budget, project.budget.available)
    a_query(project)
    assert asking.SENTENCES["budget"] in text(begin(browser, project))


def test_a_made_up_reason_is_no_reason(browser, project):
    assert browser.get(page_of(project), {"waiting": "<b>hack"}).status_code == 200


# --- answering -------------------------------------------------------------------------------------------------------


def test_one_reply_carries_the_answer_and_the_next_query(browser, project):
    a_query(project, value=2)
    second = a_query(project, value=1)
    begin(browser, project)
    shown = text(press(browser, held(), answer="1"))
    assert second.item_list[0].text in shown
    assert "<html" not in shown, "only the card is sent"
    assert Judgment.objects.get().degree == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_answered_without_javascript(browser, project, kind):
    query = a_query(project, kind, value=9)
    following = a_query(project)
    assert browser.post(reverse("next_query", args=[project.slug])).url == page_of(project)
    chosen = KINDS[kind].field(query).options[0].value
    reply = press(browser, held(), htmx=False, answer=chosen)
    assert reply.status_code == 302 and reply.url == page_of(project)
    assert Judgment.objects.filter(degree=1.0).count() == 1
    assert following.item_list[0].text in text(browser.get(reply.url))


def test_without_javascript_the_reason_for_nothing_is_shown_too(browser, project):
    a_query(project)
    begin(browser, project)
    Project.objects.update(state="paused")
    reply = press(browser, held(), htmx=False, answer="1")
    assert asking.SENTENCES["paused"] in text(browser.get(reply.url))


def test_a_grid_says_yes_to_the_chosen_no_to_the_rest_and_nothing_of_what_cannot_be_told(browser, project):
    query = a_query(project, "items")
    first, second, third = (item.pk for item in query.item_list)
    begin(browser, project)
    press(browser, held(), answer=[first, second], unsure=[second])
    assert dict(Judgment.objects.values_list("item", "degree")) == {first: 1.0, third: 0.0}
    assert Assignment.objects.get().paid == 20, "of three cells two were answered"


def test_choosing_nothing_of_many_categories_is_an_answer(client):
    project = a_project(exclusive=False)
    worker = a_worker(project)
    client.force_login(worker.user)
    a_query(project, "categories")
    begin(client, project)
    press(client, held())
    assert Assignment.objects.answered().count() == 1


def test_a_second_click_pays_nothing_and_shows_the_next_query(browser, project):
    a_query(project, value=2)
    second = a_query(project, value=1)
    begin(browser, project)
    first = held()
    for _ in range(2):
        assert second.item_list[0].text in text(press(browser, first, answer="1"))
    assert ledger.balance(first.worker.user, project.budget) == 10
    assert Judgment.objects.count() == 1


def test_the_page_counts_answers_up_to_a_limit_and_says_so(browser, project, monkeypatch):
    monkeypatch.setattr(working, "COUNTED", 2)
    for _ in range(4):
        a_query(project)
    begin(browser, project)
    shown = [text(press(browser, held(), answer="1")) for _ in range(3)]
    assert [re.search(r"<dt>Answered</dt><dd>(.*?)</dd>", one)[1] for one in shown] == ["1", "2", "more than 2"]


def test_an_answer_in_a_project_paused_meanwhile_is_taken(browser, project):
    a_query(project)
    begin(browser, project)
    Project.objects.update(state="paused")
    shown = text(press(browser, held(), answer="1"))
    assert asking.SENTENCES["paused"] in shown and "+10\xa0points" in shown


def test_an_answer_after_its_time_is_explained(browser, project, worker):
    query = a_query(project, wanted=2)
    begin(browser, project)
    late = held()
    asking.expire(now() + timedelta(days=1))
    for _ in range(2):
        answering.record(asking.next_assignment(a_worker(project), now=now()), {query.cells()[0]: 1.0}, now=now())
    assert "too late" in text(press(browser, late, answer="1"))
    assert ledger.balance(worker.user, project.budget) == 0


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "sent", "sentence"),
    [
        ("yes_no", {}, "Answer yes or no, or say that you cannot tell."),
        ("yes_no", {"answer": "maybe"}, "maybe is not one of the available choices"),
        ("yes_no", {"answer": ""}, "Answer yes or no"),
        ("yes_no", {"answer": "9" * 100_000}, "not one of the available choices"),
        ("categories", {}, "Choose one category, or say that you cannot tell."),
        ("categories", {"answer": "999999"}, "not one of the available choices"),
        ("items", {"answer": ["999999"]}, "not one of the available choices"),
        ("items", {"unsure": ["-1"]}, "not one of the available choices"),
        ("items", {"answer": ["\0"]}, "not one of the available choices"),
    ],
)
def test_a_malformed_answer_is_explained_beside_it_and_changes_nothing(browser, project, kind, sent, sentence):
    a_query(project, kind)
    begin(browser, project)
    for htmx in (True, False):
        reply = press(browser, held(), htmx=htmx, **sent)
        assert reply.status_code == 422 and sentence in text(reply)
    assert not Judgment.objects.exists() and Assignment.objects.live().count() == 1


def test_a_grid_undone_to_nothing_that_can_be_told_stays_as_it_was(browser, project):
    query = a_query(project, "items")
    begin(browser, project)
    first = held()
    press(browser, first)
    undo(browser, project)
    reply = press(browser, first, unsure=[item.pk for item in query.item_list])
    assert reply.status_code == 422 and "Nothing was answered." in text(reply)
    assert Judgment.objects.standing().count() == 3


def test_a_refused_answer_keeps_what_was_chosen(browser, project):
    query = a_query(project, "items")
    begin(browser, project)
    chosen = query.item_list[0].pk
    shown = text(press(browser, held(), answer=[chosen, 999999]))
    assert f'name="answer" value="{chosen}" data-key="1" checked' in shown


@pytest.mark.parametrize("door", ["answer", "give_back"])
def test_other_peoples_assignments_do_not_exist(client, browser, project, door):
    a_query(project)
    begin(browser, project)
    client.force_login(a_worker(project).user)
    assert press(client, held(), door=door, answer="1", reason="skip").status_code == 404
    assert Assignment.objects.live().count() == 1
    assert client.post(reverse(door, args=[10**30])).status_code == 404


@pytest.mark.parametrize("name", ["work", "next_query", "undo", "stop"])
def test_a_project_where_one_is_no_worker_does_not_exist(client, project, name):
    client.force_login(a_user())
    send = client.get if name == "work" else client.post
    reply = send(reverse(name, args=[project.slug]))
    assert reply.status_code == 404 and "There is nothing here" in text(reply)


@pytest.mark.parametrize("name", ["next_query", "undo", "stop"])
def test_what_changes_something_takes_no_get(browser, project, name):
    reply = browser.get(reverse(name, args=[project.slug]))
    assert reply.status_code == 405 and reply["Allow"] == "POST" and "Nothing was done" in text(reply)


def test_a_visitor_is_sent_to_sign_in_and_back_to_his_page(client, project):
    assert client.get(page_of(project)).url == f"/sign-in/?next={page_of(project)}"
    url = reverse("next_query", args=[project.slug])
    assert client.post(url, headers={"Referer": f"http://testserver{page_of(project)}"}).url.endswith(page_of(project))
    assert client.post(url, headers={"Referer": "https://evil.example/"}).url == "/sign-in/?next=/"


def test_a_session_that_ended_is_no_fragment(client, project):
    reply = begin(client, project)
    assert reply["HX-Redirect"].startswith("/sign-in/")


def test_a_stale_form_says_what_to_do(worker, project):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(worker.user)
    reply = browser.post(reverse("next_query", args=[project.slug]))
    assert reply.status_code == 403 and "Reload the page and try again." in text(reply)


def test_a_huge_form_is_refused_with_a_sentence(browser, project):
    a_query(project)
    begin(browser, project)
    reply = press(browser, held(), **{f"field{n}": "x" for n in range(2000)})
    assert reply.status_code == 400 and "malformed or too large" in text(reply)


def test_a_worker_set_aside_reads_why(browser, project, worker):
    worker.set_aside = True
    worker.save()
    a_query(project)
    assert asking.SENTENCES["set_aside"] in text(begin(browser, project))
    assert not Query.objects.filter(asked__gt=0).exists()
