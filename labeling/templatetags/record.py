"""A record's named values, whatever their names: one called "items" would hide `dict.items` from a template."""

from collections import Counter
from dataclasses import dataclass

from django import template

from segmentation.content import named_values, plain

register = template.Library()

SHOWN = 8  # events that a worker sees: the latest; more are counted


@dataclass(frozen=True)
class Events:
    """A list of events as a person reads it: what there is in all, then the latest, each in a line."""

    summary: str
    latest: list[str]
    earlier: int


@register.filter
def pairs(values: dict | None) -> list[tuple[str, object]]:
    """Names and values; those of a dict within the record under both names, lists as `Events`."""
    return [(name, told(value) if isinstance(value, list) else value) for name, value in named_values(values or {})]


def told(events: list) -> Events | str:
    if all(map(plain, events)):
        return ", ".join(map(said, events)) or "none"
    events = [dict(named_values(event)) if isinstance(event, dict) else {"type": event} for event in events]
    events.sort(key=lambda event: str(event.get("at") or ""), reverse=True)  # ISO 8601 sorts as text
    return Events(summary(events), [line(event) for event in events[:SHOWN]], max(0, len(events) - SHOWN))


def summary(events: list[dict]) -> str:
    types = Counter(said(event["type"]) for event in events if event.get("type") not in (None, ""))
    number = f"{len(events):,} event{'s' * (len(events) != 1)}"
    return f"{number}: {', '.join(f'{n:,} {kind}' for kind, n in types.most_common(SHOWN))}" if types else number


def line(event: dict) -> str:
    """When, what, then each other value with its name."""
    first = [said(event[name])[:16].replace("T", " ") if name == "at" else said(event[name])
             for name in ("at", "type") if event.get(name) not in (None, "")]  # fmt: skip
    rest = [
        f"{name} {said(value)}" for name, value in event.items() if name not in ("at", "type") and value is not None
    ]
    return " \N{MIDDLE DOT} ".join(first + rest)


def said(value) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
