"""Policies side by side, as a picture: accuracy against spend, a line a policy with its band, a letter at its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from labeling.simulating import curves
from labeling.simulating.comparing import Comparison
from labeling.views.charts import Frame, Tick, floor_of

POINTS = 80  # of a line
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
APART = 16  # between two letters
WIDTH, HEIGHT = 640, 340


@dataclass(frozen=True)
class Line:
    """A policy: its mean, the 95% interval of that over seeds (empty with one), and where its letter stands."""

    letter: str
    title: str
    path: str
    band: str
    x: float
    y: float


@dataclass(frozen=True)
class Spending(Frame):
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    lines: tuple[Line, ...]


def drawn(found: Comparison, column: int = curves.DELIVERED) -> Spending | None:
    """None until some play is over. column: see `curves`."""
    whole = {name: plays for name, plays in found.whole().items() if plays}
    most = curves.most(whole)
    ends = [curve[-1][column] for plays in whole.values() for curve in plays.values()]
    if not most or None in ends:
        return None
    left, top, right, bottom = 52, 12, WIDTH - 36, HEIGHT - 34
    spends = np.linspace(0, most, POINTS)
    bands = [curves.band(plays, spends, column) for plays in whole.values()]
    least, step = floor_of(min(float(band.mean[POINTS // 20 :].min()) for band in bands))

    def across(spend) -> float:
        return round(left + (right - left) * float(spend) / most, 1)

    def up(value) -> float:
        return round(bottom - (bottom - top) * (min(max(float(value), least), 1.0) - least) / (1 - least), 1)

    ends = spread([up(band.mean[-1]) for band in bands], top, bottom)
    rows = found.rows([])
    return Spending(
        WIDTH, HEIGHT, left, top, right, bottom,
        x=tuple(Tick(across(at), f"{at:,}") for at in round_numbers(most)),
        y=tuple(Tick(up(level / 100), f"{level}%") for level in range(round(100 * least), 101, step)),
        lines=tuple(
            Line(letter, row.title, path(across, up, spends, band.mean), area(across, up, band), right + 8, end + 4)
            for letter, row, band, end in zip(LETTERS, rows, bands, ends, strict=False)
        ),
    )  # fmt: skip


def path(across, up, spends, values) -> str:
    return "M" + "L".join(f"{across(spend)} {up(value)}" for spend, value in zip(spends, values, strict=True))


def area(across, up, band: curves.Band) -> str:
    if (band.low == band.high).all():
        return ""
    return f"{path(across, up, band.spend, band.high)}L{path(across, up, band.spend[::-1], band.low[::-1])[1:]}Z"


def spread(places: Sequence[float], top: float, bottom: float) -> list[float]:
    """Heights moved apart until letters do not touch, in the same order."""
    order, found = np.argsort(places, kind="stable"), [0.0] * len(places)
    low = top
    for at in order:
        found[at] = low = max(places[at], low)
        low += APART
    over = max(0.0, low - APART - bottom)
    high = bottom
    for at in order[::-1] if over else ():
        found[at] = high = min(found[at], high)
        high -= APART
    return [round(one, 1) for one in found]


def round_numbers(most: float) -> list[int]:
    """From 0, four to six of them, at most so large."""
    rough = most / 5
    unit = 10 ** floor(log10(rough)) if rough >= 1 else 1
    step = next(times * unit for times in (1, 2, 2.5, 5, 10) if times * unit >= rough)
    return [round(at * step) for at in range(ceil((most + 1e-9) / step)) if at * step <= most]
