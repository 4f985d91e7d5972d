"""What an audit has come to, as a picture: how much would be accepted, and how much of that would be wrong."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv

from labeling.accepting import Frozen
from labeling.views.charts import Frame, Tick

POINTS = 120  # of a line
ROWS = 10  # of the table behind the picture
LEAST = 10  # audited items above a threshold before their wrong ones are drawn as a share
WIDTH, HEIGHT = 560, 300


class Row(NamedTuple):
    """Accepting the surest `accepted` items, those of at least `threshold`: what the classifier expects to be wrong of
    them, and how many of those audited were."""

    accepted: int
    share: float
    threshold: float
    expected: float
    audited: int
    wrong: int


@dataclass(frozen=True)
class Curve(Frame):
    """Ticks and paths, in units of the viewBox; `rows` hold the same figures."""

    x: tuple[Tick, ...]
    thresholds: tuple[Tick, ...]
    y: tuple[Tick, ...]
    limit: float | None  # height of the share that may be wrong
    certified: float | None  # place of what is certified
    expected: str
    found: str
    band: str
    rows: tuple[Row, ...]

    @property
    def across(self) -> float:
        return round(self.certified - self.left, 1)

    @property
    def tall(self) -> int:
        return self.bottom - self.top


def curve(frozen: Frozen, places, wrong, share: float | None, threshold: float | None) -> Curve | None:
    """places: (k,) of the items audited so far; wrong: (k,) bool; threshold: of the certificate that stands."""
    if not len(frozen.rows):
        return None
    rows = rows_of(frozen.confidence, np.asarray(places, int), np.asarray(wrong, bool), POINTS)
    left, top, right, bottom = 52, 12, WIDTH - 16, HEIGHT - 52
    most, step = scale(max([2.5 * (share or 0), 1.2 * max(row.expected for row in rows), 0.02]))

    def across(part: float) -> float:
        return round(left + (right - left) * part, 1)

    def up(value: float) -> float:
        return round(bottom - (bottom - top) * min(value, most) / most, 1)

    audited = [row for row in rows if row.audited >= LEAST]
    ends = [interval(row.wrong, row.audited) for row in audited]
    above = [(across(row.share), up(high)) for row, (_, high) in zip(audited, ends, strict=True)]
    below = [(across(row.share), up(low)) for row, (low, _) in zip(audited, ends, strict=True)]
    shown = rows_of(frozen.confidence, np.asarray(places, int), np.asarray(wrong, bool), ROWS)
    part = None if threshold is None else float((frozen.confidence >= threshold).mean())
    return Curve(
        WIDTH, HEIGHT, left, top, right, bottom,
        x=tuple(Tick(across(at / 4), f"{at / 4:.0%}") for at in range(5)),
        thresholds=tuple(Tick(across(at / 4), f"{at_least(frozen.confidence, at / 4):.1%}") for at in range(1, 5)),
        y=tuple(Tick(up(at * step), f"{at * step:.1%}") for at in range(round(most / step) + 1)),
        limit=None if share is None else up(share),
        certified=None if part is None else across(part),
        expected=path([(across(row.share), up(row.expected)) for row in rows]),
        found=path([(across(row.share), up(row.wrong / row.audited)) for row in audited]),
        band=path([*above, *below[::-1]]) + "Z" if audited else "",
        rows=tuple(shown),
    )  # fmt: skip


def rows_of(confidence: np.ndarray, places: np.ndarray, wrong: np.ndarray, count: int) -> list[Row]:
    """At `count` even steps of what is accepted."""
    order = np.argsort(-confidence, kind="stable")
    drawn, bad = np.zeros((2, len(confidence)), int)
    drawn[places], bad[places] = 1, wrong
    drawn, bad, doubt = drawn[order].cumsum(), bad[order].cumsum(), (1 - confidence[order]).cumsum()
    last = np.unique(np.ceil(len(order) * np.arange(1, count + 1) / count).astype(int)) - 1
    return [
        Row(
            int(at) + 1, (at + 1) / len(order), float(confidence[order[at]]), float(doubt[at] / (at + 1)),
            int(drawn[at]), int(bad[at]),
        )
        for at in last
    ]  # fmt: skip


def interval(wrong: int, audited: int) -> tuple[float, float]:
    """95% interval of a share (Clopper and Pearson 1934)."""
    low = betaincinv(wrong, audited - wrong + 1, 0.025) if wrong else 0.0
    return float(low), float(betaincinv(wrong + 1, audited - wrong, 0.975)) if wrong < audited else 1.0


def at_least(confidence: np.ndarray, part: float) -> float:
    """The confidence of the last one in this part of the surest."""
    return float(np.sort(confidence)[::-1][max(0, int(np.ceil(part * len(confidence))) - 1)])


def scale(most: float) -> tuple[float, float]:
    """The end of an axis from 0, and its step: four to six ticks at round numbers."""
    step = next(step for step in (0.005, 0.01, 0.02, 0.025, 0.05, 0.1, 0.2, 0.25) if most <= 6 * step or step == 0.25)
    return step * np.ceil(round(min(most, 1.0) / step, 6)), step


def path(points) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points) if points else ""
