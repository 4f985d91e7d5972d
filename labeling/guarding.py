"""Guessing at passwords is slowed down: after so many failures one waits until the oldest is five minutes old.

Rule: only failures count, and a name that nobody has is treated as one that somebody has. Invitations need no guard:
their links are signed, over a key of 128 random bits.
"""

import hashlib
import math
from time import time

from django import forms
from django.conf import settings
from django.core.cache import cache

WINDOW = 300  # seconds
AT_ONE = 10  # failures at one name from one address: whoever forgot a password waits no longer than the window
AT_A_NAME = 50  # wherever they come from
BY_AN_ADDRESS = 100  # at whatever names


class TooMany(Exception):
    """Too many failures; `seconds` say how long to wait."""

    def __init__(self, seconds: float):
        self.seconds = max(1, math.ceil(seconds))
        wait = f"{self.seconds} seconds" if self.seconds <= 90 else f"{math.ceil(self.seconds / 60)} minutes"
        super().__init__(f"Too many attempts to sign in. Try again in {wait}.")


def attempt(name: str, address: str) -> list[str]:
    """Take a place among the attempts at this name and by this address, before the password is looked at.

    Returns the places, which stay taken if the attempt fails. Raises TooMany where there is none left.
    """
    name = name.casefold()
    subjects = {f"{name} by {address}": AT_ONE, f"at {name}": AT_A_NAME, f"by {address}": BY_AN_ADDRESS}
    places: list[str] = []
    try:
        for subject, limit in subjects.items():
            places.append(place(subject, limit))
    except TooMany:
        succeeded(places)
        raise
    return places


def place(subject: str, limit: int) -> str:
    digest, now = hashlib.sha256(subject.encode(errors="replace")).hexdigest(), time()
    places = [f"attempt-{digest}-{number}" for number in range(limit)]
    taken = cache.get_many(places)
    free = (one for one in places if one not in taken and cache.add(one, now + WINDOW, WINDOW))
    if found := next(free, None):
        return found
    raise TooMany(min(taken.values(), default=now + WINDOW) - now)


def succeeded(places: list[str]) -> None:
    """It was no guess: the places are free again."""
    cache.delete_many(places)


def address_of(request) -> str:
    """Whose failures these are. A header is believed only of the proxy that the settings name: it adds the last one."""
    named = request.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    return named.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


class Guarded:
    """Before AuthenticationForm among a form's bases."""

    def clean(self):
        try:
            places = attempt(self.cleaned_data.get("username") or "", address_of(self.request))
        except TooMany as refusal:
            raise forms.ValidationError(str(refusal), code="too_many") from None
        cleaned = super().clean()
        succeeded(places)
        return cleaned
