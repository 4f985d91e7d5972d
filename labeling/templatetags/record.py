"""A record's named values, whatever their names: one called "items" would hide `dict.items` from a template."""

from django import template

register = template.Library()


@register.filter
def pairs(values: dict | None) -> list[tuple[str, object]]:
    return list((values or {}).items())
