"""Guessing at passwords is slowed down, everywhere alike; the right person gets in again soon."""

import uuid
from time import time

import pytest
from django.urls import reverse

from labeling import guarding
from tests.making import a_user
from tests.speaking import Speaker
from tests.visiting import text

pytestmark = pytest.mark.django_db
PAGE, ADMIN = "/sign-in/", "/admin/login/"
ONE = guarding.AT_ONE


@pytest.fixture(autouse=True)
def nobody_guessed_before(settings):
    memory = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": memory, "LOCATION": uuid.uuid4().hex}}


def sign_in(client, name="ada", password="wrong", door=PAGE, address="10.0.0.1", **headers):
    return client.post(door, {"username": name, "password": password}, REMOTE_ADDR=address, headers=headers)


def guess(client, times=ONE, **which):
    return [sign_in(client, **which) for _ in range(times)]


def slowed(response) -> bool:
    return "Too many attempts to sign in. Try again in 5 minutes." in text(response)


def told(response) -> list[str]:
    return list(response.context["form"].non_field_errors())


@pytest.mark.parametrize("door", [PAGE, ADMIN])
def test_whoever_fails_too_often_reads_when_to_try_again(client, door):
    a_user("ada", is_staff=True)
    assert not any(map(slowed, guess(client, door=door)))
    assert slowed(sign_in(client, door=door))
    assert slowed(sign_in(client, password="correct horse", door=door)), "the password is not looked at any more"


def test_the_pages_and_the_api_count_together(client):
    a_user("ada")
    guess(client)
    reply = Speaker().post("token/", {"username": "ada", "password": "correct horse"}, REMOTE_ADDR="10.0.0.1")
    assert (reply.status_code, reply.json()["code"]) == (429, "throttled")
    assert 290 < int(reply.headers["Retry-After"]) <= 300


def test_the_right_person_gets_in_again_when_the_window_is_over(client, monkeypatch):
    a_user("ada")
    guess(client)
    start = time()
    monkeypatch.setattr("time.time", lambda: start + guarding.WINDOW + 1)
    assert sign_in(client, password="correct horse").url == "/"


def test_the_right_person_gets_in_from_elsewhere_all_the_while(client):
    a_user("ada")
    guess(client)
    assert sign_in(client, password="correct horse", address="10.0.0.2").url == "/"


def test_whoever_signs_in_has_not_failed(client):
    a_user("ada")
    for _ in range(ONE + 1):
        assert sign_in(client, password="correct horse").status_code == 302


def test_a_name_that_nobody_has_is_treated_alike(client):
    a_user("ada")
    ada, eve = ([told(one) for one in guess(client, ONE + 1, name=name)] for name in ("ada", "eve"))
    assert ada == eve and ada[0] != ada[-1]


def test_a_name_is_guarded_against_many_machines_too(client, monkeypatch):
    monkeypatch.setattr(guarding, "AT_A_NAME", 5)
    a_user("ada")
    for n in range(5):
        assert not slowed(sign_in(client, address=f"10.0.0.{n}"))
    assert slowed(sign_in(client, address="10.0.0.9"))
    assert not slowed(sign_in(client, "bob", address="10.0.0.9"))


def test_a_machine_that_tries_many_names_is_slowed_down_whatever_it_says_it_is(client, monkeypatch):
    monkeypatch.setattr(guarding, "BY_AN_ADDRESS", 5)
    for n in range(5):
        assert not slowed(sign_in(client, f"user{n}", X_Forwarded_For=f"10.9.9.{n}"))
    assert slowed(sign_in(client, "user9", X_Forwarded_For="10.9.9.9"))


def test_behind_a_proxy_its_word_is_taken_for_who_asks(client, settings, monkeypatch):
    monkeypatch.setattr(guarding, "BY_AN_ADDRESS", 5)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for n in range(5):  # what stands before the proxy's own word was sent by the guesser
        assert not slowed(sign_in(client, f"user{n}", X_Forwarded_For=f"10.9.9.{n}, 10.1.1.1"))
    assert slowed(sign_in(client, "user9", X_Forwarded_For="10.9.9.9, 10.1.1.1"))
    assert not slowed(sign_in(client, "user9", X_Forwarded_For="10.1.1.2"))


def test_an_attempt_that_is_refused_takes_no_place(client, monkeypatch):
    """Else somebody who is slowed down at one name would use up what others may try."""
    monkeypatch.setattr(guarding, "BY_AN_ADDRESS", ONE + 2)
    guess(client, ONE + 5)
    assert not slowed(sign_in(client, "bob")) and not slowed(sign_in(client, "bob"))
    assert slowed(sign_in(client, "bob"))


def test_a_form_that_lacks_something_is_no_attempt(client):
    for _ in range(ONE + 1):
        assert not slowed(client.post(reverse("sign_in"), {"username": "ada"}))
