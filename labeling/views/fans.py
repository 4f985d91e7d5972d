"""What money will buy, as a picture: accuracy measured so far, the fan of what is to come, what is aimed at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labeling.forecasting import Outlook
from labeling.views.charts import Frame, Tick, floor_of
from segmentation import forecasts
from segmentation.forecasts import Course, Range

WIDTH, HEIGHT = 560, 300
BEYOND = 1.15  # times the farthest of what is marked: so far the picture goes
AXIS = 4  # steps along the spend, about


@dataclass(frozen=True)
class Whisker:
    """A figure with its interval, in units of the viewBox; the ends lie along x or y, as the figure does."""

    x: float
    y: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Fan(Frame):
    """Ticks, paths and marks. budget: place of the spend asked about; aim: height of the accuracy; needed: where it is
    reached; cut: whether the far end of that lies outside of the picture."""

    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    line: str
    measured: tuple[Whisker, ...]
    middle: str
    band: str
    budget: float | None
    aim: float | None
    needed: Whisker | None
    cut: bool


def fan(course: Course, outlook: Outlook) -> Fan | None:
    """None while nothing was measured."""
    if not len(course.spent):
        return None
    spans = [forecasts.now(course.until(runs)) for runs in range(1, len(course.spent) + 1)]
    ahead = np.array(outlook.forecast.fan if outlook.forecast else [], float).reshape(-1, 4)
    most = farthest(course, outlook)
    ahead = ahead[ahead[:, 0] <= most]
    lows = [span.low for span in spans] + ahead[:, 2].tolist() + [outlook.goal]
    least, step = floor_of(min(lows))
    left, top, right, bottom = 52, 12, WIDTH - 16, HEIGHT - 34

    def across(spend: float) -> float:
        return round(left + (right - left) * min(spend, most) / most, 1)

    def up(value: float) -> float:
        return round(bottom - (bottom - top) * (max(value, least) - least) / (1 - least), 1)

    places = list(zip(course.spent.tolist(), spans, strict=True))
    return Fan(
        WIDTH, HEIGHT, left, top, right, bottom,
        x=tuple(Tick(across(at), f"{at:,.0f}") for at in steps(most)),
        y=tuple(Tick(up(level / 100), f"{level}%") for level in range(round(100 * least), 101, step)),
        line=path((across(spend), up(span.value)) for spend, span in places),
        measured=tuple(
            Whisker(across(spend), up(span.value), up(span.low), up(span.high), said(spend, span))
            for spend, span in places
        ),
        middle=path((across(spend), up(value)) for spend, value, _, _ in ahead),
        band=band([(across(at), up(low), up(high)) for at, _, low, high in ahead]),
        budget=across(outlook.budget) if 0 < outlook.budget <= most else None,
        aim=up(outlook.goal) if least <= outlook.goal <= 1 else None,
        needed=whisker(outlook, across, up, most),
        cut=bool(outlook.needed and (outlook.needed.high or np.inf) > most),
    )  # fmt: skip


def farthest(course: Course, outlook: Outlook) -> float:
    """Where the picture ends: behind the budget and what the aim takes, as far as anything is foretold."""
    marks = [course.spent[-1] * 1.5]
    if outlook.forecast:
        marks += [outlook.budget if outlook.at_end else 0, (outlook.needed and outlook.needed.value) or 0]
    far = BEYOND * max(marks)
    return min(far, outlook.farthest) if outlook.forecast else far


def whisker(outlook: Outlook, across, up, most: float) -> Whisker | None:
    needed = outlook.needed
    if needed is None or needed.value is None or needed.value > most:
        return None
    ends = across(needed.low), across(needed.high or most)
    return Whisker(across(needed.value), up(outlook.goal), *ends, f"About {needed.value:,.0f} for {outlook.goal:.1%}")


def said(spend: float, span: Range) -> str:
    return f"{span.value:.1%} ({span.low:.0%} to {span.high:.0%}) at a spend of {spend:,.0f}"


def steps(most: float) -> list[float]:
    """Round amounts along the axis, from 0."""
    rough = most / AXIS
    unit = 10 ** np.floor(np.log10(rough))
    step = next(times * unit for times in (1, 2, 2.5, 5, 10) if times * unit >= rough)
    return [float(at * step) for at in range(int(most / step) + 1)]


def path(points) -> str:
    points = list(points)
    return "M" + "L".join(f"{x} {y}" for x, y in points) if points else ""


def band(rows: Sequence[tuple[float, float, float]]) -> str:
    """Around along the low ends and back along the high ones."""
    there, back = [(x, low) for x, low, _ in rows], [(x, high) for x, _, high in reversed(rows)]
    return path([*there, *back]) + "Z" if rows else ""
