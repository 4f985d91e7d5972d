"""Shares and names as people read them."""

from django import template
from django.conf import settings

register = template.Library()


@register.filter
def percent(share: float | None, digits: int = 0) -> str:
    """`{{ 0.917|percent }}` -> 92%, `{{ 0.917|percent:1 }}` -> 91.7%; a dash where nothing is known."""
    return f"{share:.{digits}%}" if isinstance(share, float | int) else "–"


@register.filter
def decimals(value: float | None, digits: int = 3) -> str:
    """`{{ 0.7434|decimals }}` -> 0.743; a dash where nothing is known."""
    return f"{value:.{digits}f}" if value is not None and value == value else "–"


@register.filter
def classifier_title(key: str) -> str:
    """The title of a classifier, or its key where the settings no longer name it."""
    return settings.CLASSIFIERS.get(key, (key,))[0]
