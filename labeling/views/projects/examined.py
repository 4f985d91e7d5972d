"""What the exam says beside the classifier's accuracy: how right what is delivered is, and what choosing saved."""

from collections.abc import Sequence
from dataclasses import dataclass

from labeling.models import Project
from labeling.views.rivals import Rivals, rivals
from segmentation.promotion import ENOUGH

POORLY = 0.1  # of what people say in the exam may be wrong: too much to tell good classifiers apart


@dataclass(frozen=True)
class Delivered:
    """How right the labeled set is, by the published run's exam; value is None where that is not known."""

    value: float | None
    low: float | None
    high: float | None
    sentence: str


@dataclass(frozen=True)
class Saved:
    """What choosing saved against asking at random; `picture` is None where that is not known yet."""

    sentence: str
    picture: Rivals | None


def figures_of(project: Project) -> dict:
    return project.published.metrics if project.published else {}


def delivered(project: Project) -> Delivered:
    figures = figures_of(project)
    value, agreed = figures.get("delivered"), figures.get("delivered_agreed", 0)
    sentence = "Not measured yet: it rests on the exam."
    if value is not None:
        sentence = (
            f"Of what the labeled set says of all {'items' if project.exclusive else 'cells'}: {agreed:.0%} as people "
            "agreed, the rest as the classifier has it. Exam items count as they resemble that rest."
        )
    return Delivered(value, figures.get("delivered_low"), figures.get("delivered_high"), sentence)


def mistaken(project: Project) -> str:
    """How far people's own mistakes may move the accuracy."""
    error = figures_of(project).get("people_error")
    if error is None:
        return ""
    narrower = " Gold, or more people an item, would tell more of them." if error > POORLY else ""
    return (
        f"Right is what people say there. By what is known of them, up to {error:.1%} of that may be wrong, and by as "
        f"much the truth may be higher or lower.{narrower}"
    )


def saved(project: Project) -> Saved:
    figures = figures_of(project).get("saving")
    if not figures:
        return Saved(
            f"Not told yet. It needs {ENOUGH} exam items, and a planner that has spent as much as the random answers "
            "cost: nothing is claimed beyond the spends that the exam itself has reached.",
            None,
        )
    times, gain = figures["times"], figures["gain"]
    _, chosen, drawn = figures["curve"][-1]
    said = f"{chosen:.1%} by choosing, {drawn:.1%} at random: {points(gain[0])} points"
    begin = (
        f"Taught for {figures['spent']:,} {project.budget.currency}, the same plain classifier is right in {said} "
        f"({points(gain[1])} to {points(gain[2])}). "
    )
    return Saved(begin + told(gain, times), rivals(figures))


def told(gain: Sequence[float], times: Sequence[float]) -> str:
    """What that is in money, where it is beyond chance."""
    if gain[1] <= 0 <= gain[2]:
        return "So far that may be chance."
    if times[1] <= 1 <= times[2]:
        return "How much money that is cannot be told yet."
    dearer, low, high = times if times[0] >= 1 else (1 / times[0], 1 / times[2], 1 / times[1])
    loser, winner = ("random asking", "choosing") if times[0] >= 1 else ("choosing", "random asking")
    return f"To be as right, {loser} takes {dearer:.1f} times the money of {winner} ({low:.1f} to {high:.1f})."


def points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "\N{MINUS SIGN}")
