"""Passwords that a person copies from a screen."""

from django.utils.crypto import get_random_string

LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"  # no letter that is taken for another one or for a digit
LENGTH = 14  # 69 bits


def legible_password() -> str:
    return get_random_string(LENGTH, LEGIBLE)
