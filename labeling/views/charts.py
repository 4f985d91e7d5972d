"""Numbers -> places in a drawing, in units of its viewBox. Templates draw it, the stylesheet colours it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import NamedTuple

LABELS = 12  # at most so many numbers stand under an axis


class Part(NamedTuple):
    """A piece of a bar."""

    name: str
    value: float
    x: float
    width: float


class Reading(NamedTuple):
    """One value in [0, 1] at run number `run`, with its interval if it has one; `hollow`: measured but not in use."""

    run: int
    value: float | None
    low: float | None = None
    high: float | None = None
    hollow: bool = False


class Tick(NamedTuple):
    at: float
    text: str


class Mark(NamedTuple):
    """A point and, where there is an interval, the ends of its whisker."""

    x: float
    y: float
    low: float | None
    high: float | None
    hollow: bool
    text: str


@dataclass(frozen=True)
class Line:
    """A series: its points and the path through them (broken where a run has no value)."""

    name: str
    path: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Frame:
    """Where a picture's axes stand in its viewBox."""

    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Chart(Frame):
    """Ticks along both axes, and the lines."""

    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    lines: tuple[Line, ...]


def bar(parts: Sequence[tuple[str, float]], width: float = 100.0) -> list[Part]:
    """Parts laid end to end, each as wide as its share of the sum; nothing at all has no width."""
    total, x, laid = sum(value for _, value in parts), 0.0, []
    for name, value in parts:
        share = width * value / total if total else 0.0
        laid.append(Part(name, value, round(x, 2), round(share, 2)))
        x += share
    return laid


def by_run(series: Mapping[str, Sequence[Reading]], width: int = 560, height: int = 280) -> Chart | None:
    """Shares by run number, as lines with whiskers; None if there is not one value to draw."""
    values = [reading for readings in series.values() for reading in readings if reading.value is not None]
    if not values:
        return None
    left, top, right, bottom = 52, 12, width - 16, height - 34
    first, last = min(one.run for one in values), max(one.run for one in values)
    least, step = floor_of(min(one.value if one.low is None else one.low for one in values))

    def across(run: int) -> float:
        return round(left + 20 + (right - left - 40) * ((run - first) / (last - first) if last > first else 0.5), 1)

    def up(value: float) -> float:
        return round(bottom - (bottom - top) * (value - least) / (1 - least), 1)

    return Chart(
        width, height, left, top, right, bottom,
        x=tuple(Tick(across(run), str(run)) for run in thinned(sorted({one.run for one in values}))),
        y=tuple(Tick(up(level / 100), f"{level}%") for level in range(round(100 * least), 101, step)),
        lines=tuple(line(name, readings, across, up) for name, readings in series.items()),
    )  # fmt: skip


def line(name: str, readings: Sequence[Reading], across, up) -> Line:
    path, pen, marks = [], "M", []
    for one in readings:
        if one.value is None:
            pen = "M"
            continue
        x, y = across(one.run), up(one.value)
        path.append(f"{pen}{x} {y}")
        pen = "L"
        ends = (None, None) if one.low is None or one.high is None else (up(one.low), up(one.high))
        marks.append(Mark(x, y, *ends, one.hollow, said(name, one)))
    return Line(name, "".join(path), tuple(marks))


def said(name: str, one: Reading) -> str:
    interval = "" if one.low is None or one.high is None else f" (95% interval {one.low:.0%} to {one.high:.0%})"
    return f"Run {one.run}: {name} {one.value:.1%}{interval}"


def floor_of(least: float) -> tuple[float, int]:
    """Where the axis begins, and the percent between its ticks: lines near the top are drawn larger, and say so."""
    begin = min(0.75, floor(4 * max(least, 0.0)) / 4)
    return begin, {0.0: 25, 0.25: 25, 0.5: 10, 0.75: 5}[begin]


def thinned(runs: Sequence[int]) -> list[int]:
    """Every k-th run, counted from the last, so that labels do not touch."""
    step = -(-len(runs) // LABELS)
    return list(runs)[::-1][::step][::-1]
