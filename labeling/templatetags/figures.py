"""Shares and names as people read them."""

from django import template
from django.conf import settings

register = template.Library()


@register.filter
def percent(share: float | None, digits: int = 0) -> str:
    """`{{ 0.917|percent }}` -> 92%, `{{ 0.917|percent:1 }}` -> 91.7%; a dash where nothing is known."""
    return f"{share:.{digits}%}" if isinstance(share, float | int) else "–"


@register.filter
def points(share: float) -> str:
    """`{{ -0.012|points }}` -> −1.2 points, of percent."""
    rounded = round(100 * share, 1) or 0.0  # no sign before nothing
    return f"{rounded:+.1f}\N{NO-BREAK SPACE}points".replace("-", "\N{MINUS SIGN}").replace("+0.0", "0.0")


@register.filter
def hundredfold(share: float) -> str:
    """`{{ 0.955|hundredfold }}` -> 95.5, as a field takes it."""
    return f"{100 * share:.10g}"


@register.filter
def decimals(value: float | None, digits: int = 3) -> str:
    """`{{ 0.7434|decimals }}` -> 0.743; a dash where nothing is known."""
    return f"{value:.{digits}f}" if value is not None and value == value else "–"


@register.filter
def classifier_title(key: str) -> str:
    """The title of a classifier, or its key where the settings no longer name it."""
    return settings.CLASSIFIERS.get(key, (key,))[0]
