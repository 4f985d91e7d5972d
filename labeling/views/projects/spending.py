"""Where a project's money goes from here: what today has spent of its limit, what queue and rounds will still cost."""

from dataclasses import dataclass
from datetime import date

from labeling import costing, quoting
from labeling.models import Project
from labeling.views.charts import Part, bar

WIDTH = 600  # of a bar's drawing


@dataclass(frozen=True)
class Today:
    """What was offered today and not given back, of what a day may spend; `parts` lay it out."""

    spent: int
    limit: int | None
    left: int | None
    parts: list[Part]


def day(project: Project, today: date) -> Today:
    figures = project.budget.spent_on(today)
    parts = [("spent", min(figures.spent, figures.limit or 0)), ("available", figures.left or 0)]
    return Today(figures.spent, figures.limit, figures.left, bar(parts, WIDTH))


@dataclass(frozen=True)
class Plans:
    """What the open queue is still to cost and what a further round would, and the answers that the rest buys."""

    queue: int
    round: int | None
    left: int
    answers: int | None


def plans(project: Project) -> Plans:
    bill = costing.bill(project, costing.sample(project))
    left = max(0, quoting.left(project) - bill.overall.queue)
    return Plans(bill.overall.queue, bill.overall.round, left, bill.buys)
