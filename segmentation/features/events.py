"""A record with lists of events -> a flat one: how many, how often, how much, when last, of which kinds."""

import numbers
from datetime import UTC, datetime

import numpy as np

from segmentation.content import named_values

DAY = 86_400  # seconds
LARGEST = 1e30  # its square is finite
MILLISECONDS = 1e11  # a time beyond is in milliseconds: in seconds it would lie after the year 5000


class Amount(float):
    """A count or a sum: a record that does not mention it has none of it, and is not one of which it is unknown."""


def flat(record):
    """{name: number, Amount, text, yes/no or None} of a checked record: dicts within opened, events told in numbers."""
    found = {}
    for name, value in named_values(record):
        if isinstance(value, (list, tuple)):
            found |= told(name, [fields(event) for event in value])
        else:
            found[name] = value
    return found


def fields(event):
    """{name: value} of an event, its time `at` in days since 1970 or None.

    A plain value alone is the type if it is text, else the number it is.
    """
    if not isinstance(event, dict):
        return {"type": event} if isinstance(event, str) else {"value": event}
    found = dict(named_values(event))
    return found | {"at": days_at(found["at"])} if "at" in found else found


def told(name, events):
    """All events of a list, then those of each type, in numbers."""
    found = {f"{name}: count": len(events), **summed(name, events)}
    times = times_of(events)
    days = max(1.0, max(times) - min(times)) if times else None
    for kind, some in by(events, "type").items():
        about = f"{name} {kind}"
        found |= {f"{about}: count": Amount(len(some)), f"{about}: share": Amount(len(some) / len(events))}
        found |= summed(about, some) | recent(about, times_of(some), days)
    return found | recent(name, times, days) | kinds(name, events)


def by(events, field):
    """{value: events}, those without a value left out."""
    groups = {}
    for event in events:
        if event.get(field) not in (None, ""):
            groups.setdefault(str(event[field]), []).append(event)
    return groups


def summed(about, events):
    """Sum and mean of each field that holds numbers."""
    fields_of = {}
    for event in events:
        for field, value in event.items():
            if field not in ("type", "at") and is_number(value):
                fields_of.setdefault(field, []).append(bounded(value))
    found = {}
    for field, values in fields_of.items():
        total = sum(values)
        found |= {f"{about} {field}: sum": Amount(total), f"{about} {field}: mean": total / len(values)}
    return found


def times_of(events):
    return [event["at"] for event in events if event.get("at") is not None]


def recent(about, times, days):
    """When the last one was, and how many come a day; nothing where no event has a time."""
    return {f"{about}: last": max(times), f"{about}: a day": Amount(len(times) / days)} if times else {}


def kinds(name, events):
    """How many different texts each field holds, and how often each."""
    found = {}
    for field in dict.fromkeys(field for event in events for field, value in event.items() if is_kind(field, value)):
        groups = by(events, field)
        found[f"{name} {field}: distinct"] = Amount(len(groups))
        if field != "type":
            found |= {f"{name} {field} {kind}: count": Amount(len(some)) for kind, some in groups.items()}
    return found


def is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and value == value


def bounded(value):
    """A number, or text that reads as one, as a float whose square is finite, or NaN."""
    try:
        number = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        number = LARGEST if value > 0 else -LARGEST
    return np.nan if np.isnan(number) else min(max(number, -LARGEST), LARGEST)


def is_kind(field, value):
    return field != "at" and (field == "type" or isinstance(value, (str, bool, np.bool_)))


def days_at(at):
    """A time as an event gives it, text or a number since 1970, in days; None if it is none."""
    if isinstance(at, str):
        return days_of(at)
    if not is_number(at) or abs(at) > 1e15:
        return None
    return at / (DAY * 1000 if abs(at) > MILLISECONDS else DAY)


def days_of(text):
    """Days since 1970 of a date or a time as ISO 8601 writes it, UTC unless it says otherwise; None if it is none."""
    text = text.strip()
    if text[4:5] != "-" or text[7:8] != "-":  # 2026-01-31; quick to tell, since it is asked of every text
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() / DAY
    except (ValueError, OverflowError):
        return None
