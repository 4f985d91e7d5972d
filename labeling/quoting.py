"""A query and a worker, said in the price list's words. The only importer of the price list."""

from collections.abc import Mapping, Sequence
from statistics import median

from django.utils import timezone

from labeling.models import Assignment, Member, Project, Query
from rewards import pricing
from rewards.pricing import Explanation, Signals, Tariff

FACTORS = pricing.FACTORS  # for whoever shows or sets them


def tariff(project: Project) -> Tariff:
    return Tariff(
        per_cell=project.cell_price,
        strengths=project.factors,
        floor=project.price_floor,
        ceiling=project.price_ceiling,
    )


def quote(query: Query, worker: Member) -> int:
    """The reward for this query, offered to this worker, in the currency's smallest unit."""
    return pricing.price(tariff(query.project), signals(query, worker.rating))


def quote_ahead(project: Project, facts: Sequence[Mapping]) -> list[int]:
    """Prices of queries not yet opened, for the median worker."""
    rating, prices = median_rating(project), tariff(project)
    return [pricing.price(prices, Signals(rating=rating, **one)) for one in facts]


def explain(query: Query, rating: float | None = None) -> Explanation:
    return pricing.explain(
        tariff(query.project), signals(query, median_rating(query.project) if rating is None else rating)
    )


def signals(query: Query, rating: float) -> Signals:
    return Signals(rating=rating, **query.signals)


def facts(value: float, cells: int, texts: Sequence[str], shared: Mapping) -> dict:
    """What the price list reads of a query whoever answers it; kept with the query, so that an offer looks nothing up.

    value: bits; shared: the conditions of the refill that chose it.
    """
    return {
        "cells": cells,
        "training_value": min(1.0, max(0.0, value / max(cells, 1))),
        "complexity": min(1.0, sum(len(text.split()) for text in texts) / 300) if texts else None,  # 300 words are much
        **shared,
    }


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
    """One over one more than the workers seen in the last day: 1 with nobody, 0.1 with nine."""
    since = timezone.now() - timezone.timedelta(days=1)
    seen = Assignment.objects.filter(worker__project=project, offered__gt=since).values("worker").distinct().count()
    return 1 / (1 + seen)


def median_rating(project: Project) -> float:
    """The rating a round is quoted for, before anybody is known to answer it."""
    ratings = project.members.workers().present().trusted().values_list("rating", flat=True)[:1000]
    return median(ratings) if ratings else Member._meta.get_field("rating").default


def left(project: Project) -> int:
    """What may still be offered: what is available, as far as the project is to spend it."""
    figures = project.budget.figures()
    if project.target_spent is None:
        return figures.available
    return max(0, min(figures.available, project.target_spent - figures.spent - figures.reserved))


def affordable(project: Project) -> bool:
    """Does what is left pay for one cell, quoted for the median worker?"""
    return left(project) >= pricing.price(tariff(project), Signals(rating=median_rating(project), cells=1))
