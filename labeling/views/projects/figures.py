"""The ring in figures: what a project's pages say about money, queue, consensus, runs and people. Reads only."""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q
from django.utils import timezone
from django_q.status import Stat

from labeling import quoting, training
from labeling.kinds import KINDS
from labeling.models import Consensus, Item, Project, Query, Report, TrainingRun
from labeling.views.charts import Chart, Part, Reading, bar, by_run
from segmentation.promotion import ENOUGH

log = logging.getLogger(__name__)

WIDTH = 600  # of a bar's drawing
CHARTED = 60  # runs the chart goes back
COUNTED = 1_000  # newly agreed, on the project's page
SHOWN = 6  # runs and queries listed on the project's page

PURPOSES = {
    Query.Purpose.TEACH: "to teach the classifier",
    Query.Purpose.RANDOM: "drawn at random, to begin with",
    Query.Purpose.GOLD: "to check workers",
    Query.Purpose.EXAM: "to measure accuracy",
    Query.Purpose.AUDIT: "to audit a run",
}
SOURCES = {
    Consensus.Source.PEOPLE: "people",
    Consensus.Source.IMPORT: "import",
    Consensus.Source.SURVEY: "survey",
    Consensus.Source.ADMIN: "admin",
}


# --- budget ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Money:
    """funded = available + reserved + spent; `parts` lay the three end to end."""

    funded: int
    available: int
    reserved: int
    spent: int
    parts: list[Part]


def money(project: Project) -> Money:
    figures = project.budget.figures()
    parts = [("spent", figures.spent), ("reserved", figures.reserved), ("available", figures.available)]
    return Money(figures.funded, figures.available, figures.reserved, figures.spent, bar(parts, WIDTH))


@dataclass(frozen=True)
class Once:
    """What it costs that as many `people` as must agree see all categories of each of these `items` once."""

    items: int
    people: int
    cost: int


def once_over(project: Project) -> Once:
    facts = quoting.facts(0.0, project.columns, [], quoting.conditions(project))
    price = quoting.quote_ahead(project, [("categories", facts)])[0]
    items = project.items.present().count()
    return Once(items, project.agree_count, items * project.agree_count * price)


# --- queue -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Queue:
    """Open queries: how many of each kind and purpose, and those that come next, each with its reward.

    Gold is not among them: it stands in for others. `gold`: how much of it is ready.
    """

    open: int
    fresh: int
    kinds: list[tuple[str, str, int]]  # name, title, how many
    purposes: list[tuple[str, int]]
    gold: int
    next: list[Query]


def queue(project: Project) -> Queue:
    standing = project.queries.open().exclude(purpose=Query.Purpose.GOLD)
    rows = list(standing.values("kind", "purpose").annotate(count=Count("pk"), fresh=Count("pk", filter=Q(asked=0))))

    def counted(field, value):
        return sum(row["count"] for row in rows if row[field] == value)

    return Queue(
        open=sum(row["count"] for row in rows),
        fresh=sum(row["fresh"] for row in rows),
        kinds=[(kind.name, kind.title, counted("kind", kind.name)) for kind in KINDS.values()],
        purposes=[
            (words, counted("purpose", purpose)) for purpose, words in PURPOSES.items() if counted("purpose", purpose)
        ],
        gold=project.queries.open().filter(purpose=Query.Purpose.GOLD).count(),
        next=priced(project, described(standing.filter(asked__lt=F("wanted")).order_by("-value", "pk")[:SHOWN])),
    )


def described(queries):
    """With what each query shows, read for all of them at once."""
    return queries.prefetch_related("items", "categories")


def priced(project: Project, queries) -> list[Query]:
    """The queries, each with the `reward` a median worker would be offered."""
    ratings, queries = quoting.median_ratings(project), list(queries)
    for query in queries:
        query.project = project
        query.reward = quoting.price(query, ratings[query.kind])
        query.why = PURPOSES[query.purpose]
    return queries


# --- consensus -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Agreed:
    """What is agreed, of all there is, and who decided: in items where categories are exclusive, else in cells."""

    unit: str
    items: int
    total: int
    count: int
    sources: list[tuple[str, int]]
    parts: list[Part]

    @property
    def share(self) -> float:
        return self.count / self.total if self.total else 0.0


def agreed(project: Project) -> Agreed:
    rows = dict(
        Consensus.objects.agreed().filter(project=project).order_by().values_list("source").annotate(Count("pk"))
    )
    items = project.items.count()
    total = items if project.exclusive else items * project.categories.count()
    sources = [(words, rows[source]) for source, words in SOURCES.items() if source in rows]
    count = sum(rows.values())
    return Agreed(
        unit="items" if project.exclusive else "cells",
        items=items,
        total=total,
        count=count,
        sources=sources,
        parts=bar([*sources, ("open", max(0, total - count))], WIDTH),
    )


@dataclass(frozen=True)
class Coming:
    """What the next run waits for: so much is newly agreed (counted to COUNTED), so much is enough, not before `at`."""

    fresh: int
    enough: int
    at: datetime | None

    @property
    def late(self) -> bool:
        """Has its hour come, so that it waits for something newly agreed alone?"""
        return self.at is not None and self.at <= timezone.now()


def coming(project: Project) -> Coming:
    enough = training.enough(project)
    scheduled = project.retrain_when == Project.When.SCHEDULE
    at = training.not_before(project) if scheduled else None
    return Coming(training.newly_agreed(project, max(enough, COUNTED)), enough, at)


# --- runs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Runs:
    pending: TrainingRun | None
    latest: list[TrainingRun]
    chart: Chart | None
    charted: list[TrainingRun]


def runs(project: Project) -> Runs:
    latest = list(project.runs.defer("arrays")[:SHOWN])
    charted = list(project.runs.done().defer("arrays")[:CHARTED])[::-1]
    return Runs(
        pending=next((run for run in latest if run.state in TrainingRun.PENDING), None),
        latest=latest,
        chart=by_run(
            {
                "accuracy": [reading(run, "accuracy", "accuracy_low", "accuracy_high") for run in charted],
                "mean confidence": [reading(run, "mean_confidence") for run in charted],
            }
        ),
        charted=charted[::-1],
    )


def reading(run: TrainingRun, value: str, low: str = "", high: str = "") -> Reading:
    figures = run.metrics
    hollow = run.state == TrainingRun.State.REFUSED
    return Reading(run.number, figures.get(value), figures.get(low), figures.get(high), hollow)


@dataclass(frozen=True)
class Accuracy:
    """How often the published classifier is right, of all items, by the exam; `sentence` says how far to trust it."""

    value: float | None
    low: float | None
    high: float | None
    items: int
    sentence: str


def accuracy(project: Project) -> Accuracy:
    figures = project.published.metrics if project.published else {}
    value, items = figures.get("accuracy"), figures.get("exam_items", 0)
    return Accuracy(
        value, figures.get("accuracy_low"), figures.get("accuracy_high"), items, trust(project, value, items)
    )


def trust(project: Project, value: float | None, items: int) -> str:
    """How far the accuracy may be trusted, in one plain sentence."""
    if not project.exam_share:
        return "Not measured: the exam share of this project is 0%, so no items are drawn at random."
    if project.published is None:
        return "Not measured yet: no classifier has been published."
    if value is None or not items:
        return "Not measured yet: people have agreed on none of the items drawn at random for the exam."
    if items < ENOUGH:
        one = items == 1
        return (
            f"Only {items} item{'' if one else 's'} drawn at random {'has' if one else 'have'} been agreed so far. "
            f"Below {ENOUGH} that is too few to judge by: see how wide the interval is."
        )
    return (
        f"Of all items, without bias: measured on {items} items drawn at random, which people answered blindly and "
        "which never train."
    )


def clusters_alive() -> bool | None:
    """Whether a cluster has given a sign of life in the last seconds; None if that cannot be found out."""
    try:
        return bool(Stat.get_all())
    except Exception:  # a cache that is away must not take the page with it
        log.exception("The clusters' status cannot be read")
        return None


# --- items -----------------------------------------------------------------------------------------------------------


def with_consensus(items) -> list[Item]:
    """Items, each with what is `held` true of it: its agreed categories."""
    items = list(items)
    held: dict[int, list[Consensus]] = {item.pk: [] for item in items}
    rows = Consensus.objects.agreed().filter(item__in=items, degree__gte=0.5).select_related("category")
    for row in rows.order_by("category__column"):
        held[row.item_id].append(row)
    for item in items:
        item.held = held[item.pk]
    return items


def by_reports(project: Project, most: int) -> list[Item]:
    """Items that somebody reported as broken, then those taken out; of each at most so many."""
    items = project.items.prefetch_related("reports__worker__user")
    reported = items.present().filter(pk__in=Report.objects.filter(worker__project=project).values("item"))
    return [*reported[:most], *items.filter(withdrawn=True)[:most]]
