"""A query and a worker, said in the price list's words. The only importer of the price list."""

from collections.abc import Collection, Mapping, Sequence
from statistics import median

from django.utils import timezone

from labeling import complexity, pacing
from labeling.kinds import KINDS
from labeling.models import Assignment, Item, Media, Member, Project, Query, Reliability
from labeling.proposals import Proposal
from rewards import pricing
from rewards.pricing import Explanation, Signals, Tariff

FACTORS, Row = pricing.FACTORS, pricing.Row  # for whoever shows or sets them
FAINT = 0.02  # of what a newcomer tells: a kind in which people do no better than chance compares nobody
MANY = 3_000  # of whom medians are taken: more would not move them


def tariff(project: Project) -> Tariff:
    equal = {"rating": 0.0} if project.equal_pay else {}
    return Tariff(
        per_cell=project.cell_price,
        strengths=project.factors | equal,
        floor=project.price_floor,
        ceiling=project.price_ceiling,
        per_hour=project.hourly_rate if project.price_by == Project.By.TIME else None,
        hourly_floor=project.hourly_floor,
    )


def quote(query: Query, worker: Member) -> int:
    """The reward for this query, offered to this worker, in the currency's smallest unit."""
    return price(query, worker.rating_in(query.kind))


def price(query: Query, rating: float) -> int:
    """The reward of somebody of this rating in the query's kind."""
    return pricing.price(tariff(query.project), signals(query, rating))


def quote_ahead(project: Project, asked: Sequence[tuple[str, Mapping]]) -> list[int]:
    """Prices of queries not yet opened, (kind, facts) each, for the median worker."""
    ratings, prices = median_ratings(project), tariff(project)
    return [pricing.price(prices, said(project, kind, facts, ratings[kind])) for kind, facts in asked]


def explain_ahead(
    project: Project, asked: Sequence[tuple[str, Mapping]], ratings: Mapping[str, float]
) -> list[tuple[Signals, Explanation]]:
    """Like `quote_ahead`, for somebody of these ratings, with what the price was made of."""
    prices = tariff(project)
    found = [said(project, kind, facts, ratings[kind]) for kind, facts in asked]
    return [(signals, pricing.explain(prices, signals)) for signals in found]


def explain(query: Query, rating: float | None = None) -> Explanation:
    """How the price comes about, for somebody of this rating; None: for the median worker."""
    rating = median_ratings(query.project)[query.kind] if rating is None else rating
    return pricing.explain(tariff(query.project), signals(query, rating))


def signals(query: Query, rating: float) -> Signals:
    return said(query.project, query.kind, query.signals, rating)


def said(project: Project, kind: str, facts: Mapping, rating: float) -> Signals:
    """The facts kept with a query, the project's pace, and a rating."""
    cells = facts.get("cells", 1)
    law, pace = pacing.law(kind, cells), pacing.pace_of(project, kind)
    return Signals(
        rating=rating, choices=choices(project, kind, cells), seconds=law * pace.usual, work=law * pace.work, **facts
    )


def choices(project: Project, kind: str, cells: int) -> int:
    """Answers to choose among: where one category of all is chosen as many as there are, else yes or no."""
    return cells if project.exclusive and KINDS[kind].implied else 2


def told_beside_others(query: Query, rating: float) -> float:
    """How much more somebody of this rating tells in such a query than its kind's median worker, 1 as much."""
    among = choices(query.project, query.kind, query.signals.get("cells", 1))
    return pricing.told(rating, among) / max(pricing.told(usual_rating(query), among), FAINT)


def usual_rating(query: Query) -> float:
    """Of the kind's median worker, as last measured."""
    return pacing.pace_of(query.project, query.kind).rating


# --- facts about a query ---------------------------------------------------------------------------------------------


def facts(value: float, cells: int, hard: Sequence[float | None], shared: Mapping) -> dict:
    """What the price list reads of a query whoever answers it; kept with the query, so that an offer looks nothing up.

    value: bits; hard: complexity of each item shown; shared: the conditions of the refill that chose it.
    """
    known = [one for one in hard if one is not None]
    return {
        "cells": cells,
        "training_value": min(1.0, max(0.0, value / max(cells, 1))),
        "complexity": round(sum(known) / len(known), 4) if known else None,
        **shared,
    }


def facts_ahead(project: Project, found: Sequence[Proposal], items: Sequence[int], shared: Mapping) -> list[dict]:
    """`facts` of each of these proposals, whose rows number `items`, by primary keys."""
    hard = complexities(project, {int(items[row]) for one in found for row in one.rows})
    return [
        facts(one.value, len(one.rows) * len(one.columns), [hard.get(int(items[row])) for row in one.rows], shared)
        for one in found
    ]


MEASURES = {  # what of an item tells how hard it is
    Media.TEXT: ("text", complexity.of_text),
    Media.AUDIO: ("seconds", complexity.of_sound),
}


def complexities(project: Project, items: Collection[int]) -> dict[int, float | None]:
    """{item: how hard it is to judge}, of media that tell."""
    if project.media not in MEASURES:
        return {}
    field, measure = MEASURES[project.media]
    return {pk: measure(content) for pk, content in Item.objects.filter(pk__in=items).values_list("pk", field)}


def conditions(project: Project) -> dict:
    """The signals that all queries of one refill share."""
    return {"falling_confidence": falling_confidence(project), "scarcity": scarcity(project)}


def falling_confidence(project: Project) -> float | None:
    """By how much the mean confidence fell from the run before to the last one."""
    means = [run.metrics.get("mean_confidence") for run in project.runs.done()[:2]]
    if len(means) < 2 or None in means:
        return None
    return max(0.0, means[1] - means[0])


def scarcity(project: Project) -> float:
    """One over one more than the willing workers seen in the last day: 1 with nobody, 0.1 with nine."""
    since = timezone.now() - timezone.timedelta(days=1)
    willing = project.members.workers().present().trusted().filter(paused=None)
    return 1 / (
        1 + Assignment.objects.filter(worker__in=willing, offered__gt=since).values("worker").distinct().count()
    )


# --- the median worker -----------------------------------------------------------------------------------------------


def median_rating(project: Project) -> float:
    """Over all kinds: that of whoever is not known yet."""
    ratings = project.members.workers().present().trusted().values_list("rating", flat=True)[:MANY]
    return median(ratings) if ratings else Member._meta.get_field("rating").default


def median_ratings(project: Project) -> dict[str, float]:
    """{kind: the rating a round is quoted for}, before anybody is known to answer it."""
    rows = Reliability.objects.filter(worker__project=project, worker__set_aside=False, worker__left=None, judged__gt=0)
    found: dict[str, list[float]] = {}
    for kind, rating in rows.values_list("kind", "rating")[:MANY]:
        found.setdefault(kind, []).append(rating)
    overall = median_rating(project)
    return {kind: median(found[kind]) if kind in found else overall for kind in KINDS}


def left(project: Project) -> int:
    """What may still be offered: what is available, as far as the project is to spend it."""
    figures = project.budget.figures()
    if project.target_spent is None:
        return figures.available
    return max(0, min(figures.available, project.target_spent - figures.spent - figures.reserved))


def largest_offer(project: Project) -> int:
    """What one answer may cost at most, on a day on which nothing was offered yet."""
    limit = project.budget.daily_limit
    return left(project) if limit is None else min(left(project), limit)


def affordable(project: Project) -> bool:
    """Does what is left, and what a day may spend, pay for one cell, quoted for the median worker?"""
    return largest_offer(project) >= cheapest(project)


def cheapest(project: Project) -> int:
    return min(quote_ahead(project, [(kind, {"cells": 1}) for kind in KINDS]))
