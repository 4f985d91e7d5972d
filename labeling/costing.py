"""What a price list comes to before anybody is asked by it: the queue, a round, what the rest buys, an hour's pay.

The same queries are priced by one list and another, so that a change can be judged before it is saved.
"""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import NamedTuple

from labeling import quoting
from labeling.kinds import KINDS
from labeling.models import Project, Query

LOOKED_AT = 300  # queries, the latest: what a round is like


class Asked(NamedTuple):
    """A query as the price list reads it, and the people who are still to be asked it."""

    kind: str
    facts: Mapping
    people: int


class Sample(NamedTuple):
    """open: the queue; usual: what a round is made of; ratings: of each kind's median worker; left: what may still be
    offered, beside what is reserved; imagined: nothing was asked yet, so `usual` is one query of each kind."""

    open: Sequence[Asked]
    usual: Sequence[Asked]
    ratings: Mapping[str, float]
    left: int
    imagined: bool


class Line(NamedTuple):
    """Of one kind, or of all: the queue's queries, what they still cost, what a round costs, the mean price of an
    answer, and what an hour of such answers earns; None where there are none. bound: the share of prices that the
    hourly floor raised."""

    title: str
    queries: int
    queue: int
    round: int | None
    answer: float | None
    hourly: int | None
    raised: float


class Bill(NamedTuple):
    lines: list[Line]
    overall: Line
    buys: int | None  # answers that what is left pays for


def sample(project: Project) -> Sample:
    queries = Query.objects.filter(project=project).exclude(purpose=Query.Purpose.GOLD)
    waiting = queries.open().filter(asked__lt=project.agree_count).values_list("kind", "signals", "asked")
    standing = [Asked(kind, facts, project.agree_count - asked) for kind, facts, asked in waiting]
    latest = queries.order_by("-pk").values_list("kind", "signals")[:LOOKED_AT]
    usual = [Asked(kind, facts, project.agree_count) for kind, facts in latest]
    ratings, left = quoting.median_ratings(project), quoting.left(project)
    return Sample(standing, usual or imagined(project), ratings, left, not usual)


def imagined(project: Project) -> list[Asked]:
    sizes = {kind.name: kind.size(max(project.columns, 2), project.grid) for kind in KINDS.values()}
    return [Asked(kind, {"cells": cells}, project.agree_count) for kind, cells in sizes.items()]


def bill(project: Project, sample: Sample) -> Bill:
    """What the sample comes to by this project's prices, which need not be saved."""
    standing, usual = priced(project, sample, sample.open), priced(project, sample, sample.usual)
    scale = project.queue_size / max(len(usual), 1)
    titles = {kind.name: kind.title for kind in KINDS.values()}
    lines = [
        line(title, [one for one in standing if one.kind == kind], [one for one in usual if one.kind == kind], scale)
        for kind, title in titles.items()
    ]
    overall = line("In all", standing, usual, scale)
    return Bill(lines, overall, int(sample.left / overall.answer) if overall.answer else None)


class Priced(NamedTuple):
    kind: str
    people: int
    price: int
    work: float  # seconds
    raised: bool


def priced(project: Project, sample: Sample, queries: Sequence[Asked]) -> list[Priced]:
    quotes = quoting.explain_ahead(project, [(one.kind, one.facts) for one in queries], sample.ratings)
    return [
        Priced(one.kind, one.people, told.price, signals.work, told.clamped == "hourly floor")
        for one, (signals, told) in zip(queries, quotes, strict=True)
    ]


def line(title: str, standing: Sequence[Priced], usual: Sequence[Priced], scale: float) -> Line:
    queue = sum(one.price * one.people for one in standing)
    if not usual:
        return Line(title, len(standing), queue, None, None, None, 0.0)
    return Line(
        title,
        len(standing),
        queue,
        round(scale * sum(one.price * one.people for one in usual)),
        mean(one.price for one in usual),
        round(3600 * sum(one.price for one in usual) / sum(one.work for one in usual)),
        mean(one.raised for one in usual),
    )
