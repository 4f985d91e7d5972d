"""Amounts as people read them: the smallest units of a currency, grouped by thousands, with its name."""

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma

register = template.Library()


@register.filter
def money(amount: int, budget) -> str:
    """`{{ 1250|money:budget }}` -> 1,250 points; a single one loses the s of a plural name."""
    name = budget.currency
    if abs(amount) == 1 and name.islower() and name.endswith("s"):
        name = name[:-1]
    number = intcomma(amount).replace("-", "\N{MINUS SIGN}")
    return f"{number}\N{NO-BREAK SPACE}{name}"


@register.filter
def signed(amount: int, budget) -> str:
    """As `money`, with the sign always shown."""
    return f"+{money(amount, budget)}" if amount > 0 else money(amount, budget)
