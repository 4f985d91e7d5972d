"""What more money will buy: made and stored with each run, held against what came, read by page and API.

Rule: a request reads what a run has stored; nothing is worked out there but the place between two stored figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from labeling.models import Forecast, Project, TrainingRun
from segmentation import forecasts, lessons
from segmentation.forecasts import FARTHEST, Course, Errors, Forecaster, Missing, Range

POINTS = 30  # of a fan
GOALS = np.arange(0.5, 0.996, 0.005).round(3)
AWAY = 1.1  # times the spend of an earlier run: nearer than that nothing was foretold
OTHERS = 50  # projects of this installation whose errors are read, the latest


# --- made with a run -------------------------------------------------------------------------------------------------


def foretell(run: TrainingRun, now: datetime) -> Forecast:
    """Store with a finished run what it foretells."""
    fields = {"made": now, "spent": run.metrics.get("spent", 0)}
    try:
        fields |= foretold(course_of(run.project), own_errors(run.project))
    except Missing as sentence:
        fields["missing"] = str(sentence)
    return Forecast.objects.update_or_create(run=run, defaults=fields)[0]


def course_of(project: Project) -> Course:
    """Its runs that the exam measured, by what had been spent when they read the answers."""
    runs = project.runs.filter(state=TrainingRun.State.DONE).order_by("number").values_list("metrics", flat=True)
    rows = [
        (figures["spent"], figures["accuracy"], figures["exam_items"])
        for figures in runs
        if figures.get("spent") and figures.get("accuracy") is not None
    ]
    return Course(*np.array(rows, float).reshape(-1, 3).T)


def own_errors(project: Project) -> list[tuple[Errors, Errors]]:
    """How forecasts erred on other projects of this installation."""
    runs = TrainingRun.objects.filter(state=TrainingRun.State.DONE, number__gt=forecasts.LEAST)
    others = Project.objects.filter(pk__in=runs.values("project")).exclude(pk=project.pk).order_by("-pk")[:OTHERS]
    found = (lessons.own_errors(course_of(other), forecasts.shipped()) for other in others)
    return [errors for errors in found if errors]


def foretold(course: Course, own: Sequence[tuple[Errors, Errors]]) -> dict:
    """The fields of a forecast; raises Missing."""
    forecasts.signs(course)  # or says what is missing
    forecaster, measured = Forecaster(own=own), forecasts.now(course)
    spends = course.spent[-1] * np.geomspace(1, FARTHEST, POINTS)
    goals = GOALS[measured.value < GOALS]
    fan, moneys = forecaster.fan(course, spends), forecaster.moneys(course, goals)
    return {
        "value": measured.value, "low": measured.low, "high": measured.high,
        "fan": [[round(spend), *(round(end, 4) for end in ends)] for spend, ends in zip(spends, fan, strict=True)],
        "money": [[goal, *map(whole, ends)] for goal, ends in zip(goals.tolist(), moneys, strict=True)],
    }  # fmt: skip


def whole(amount: float) -> int | None:
    return round(amount) if np.isfinite(amount) else None


# --- read ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Past:
    """An earlier run's forecast of the accuracy at what is spent now, and what was measured."""

    run: int
    spent: int
    foretold: Range
    came: float

    @property
    def held(self) -> bool:
        return self.foretold.low <= self.came <= self.foretold.high

    @property
    def off(self) -> float:
        return self.came - self.foretold.value


@dataclass(frozen=True)
class Outlook:
    """What the last forecast says of a budget and a goal. at_end: None where that is spent already or too far to see;
    needed: whole amounts, None where the goal is reached already; an end that cannot be foreseen is None."""

    forecast: Forecast | None
    missing: str
    budget: int
    goal: float
    at_end: Range | None = None
    needed: Range | None = None
    past: Sequence[Past] = ()

    @property
    def held(self) -> int:
        return sum(one.held for one in self.past)

    @property
    def farthest(self) -> int:
        """The spend up to which the forecast reaches."""
        return self.forecast.fan[-1][0] if self.forecast else 0


def outlook(project: Project, budget: int | None = None, goal: float | None = None) -> Outlook:
    """By default of all that the project may spend, and of the accuracy that it aims at."""
    budget, goal = budget or in_all(project), goal or project.aim
    forecast = Forecast.objects.filter(run__project=project).select_related("run").order_by("-run__number").first()
    if forecast is None:
        return Outlook(None, "No run has been finished yet, so nothing is known that could be drawn on.", budget, goal)
    if forecast.missing:
        return Outlook(None, forecast.missing, budget, goal)
    return Outlook(
        forecast, "", budget, goal, between(forecast.fan, budget), needed(forecast, goal), past(project, forecast)
    )


def in_all(project: Project) -> int:
    """What will have been spent when asking ends for want of money."""
    funded = project.budget.funded
    return funded if project.target_spent is None else min(funded, project.target_spent)


def between(fan: Sequence[Sequence[float]], spend: float) -> Range | None:
    """The fan at this spend; None before and after it."""
    table = np.array(fan, float)
    if not len(table) or not table[0, 0] <= spend <= table[-1, 0]:
        return None
    return Range(*(float(np.interp(np.log(spend), np.log(table[:, 0]), table[:, at])) for at in (1, 2, 3)))


def needed(forecast: Forecast, goal: float) -> Range | None:
    """At the next goal of the table; the last one stands for those beyond it."""
    if goal <= forecast.value or not forecast.money:
        return None
    at = np.searchsorted([row[0] for row in forecast.money], goal - 1e-9)
    return Range(*forecast.money[min(int(at), len(forecast.money) - 1)][1:])


def past(project: Project, last: Forecast) -> list[Past]:
    """How earlier forecasts did, by the last run's exam, the latest first."""
    earlier = Forecast.objects.filter(run__project=project, missing="", spent__lt=last.spent / AWAY)
    found = [
        Past(one.run.number, one.spent, span, last.value)
        for one in earlier.select_related("run").order_by("-run__number")
        if (span := between(one.fan, last.spent))
    ]
    return found
