"""Policies side by side, as a picture: accuracy against spend, a line a policy with its band, a letter at its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np

from labeling.simulating import curves, policies
from labeling.simulating.comparing import Comparison
from labeling.views.charts import Frame, Tick, floor_of

POINTS = 80  # of a line
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
APART = 20  # between two letters
WIDTH, HEIGHT = 540, 320


@dataclass(frozen=True)
class Line:
    """A policy: its mean, the lowest and highest of its seeds (empty with one), and where its letter stands."""

    @property
    def place(self) -> int:
        """Its number among the policies, from 1: it has the same colour in every picture."""
        return LETTERS.index(self.letter) + 1

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
    """None until some play is over. column: see `curves`; a policy of which it tells nothing has no line."""
    whole = {name: plays for name, plays in found.whole().items() if plays}
    keys = {name: (letter, policies.named(name).title) for letter, name in zip(LETTERS, whole, strict=False)}
    told = {name: plays for name, plays in whole.items() if all(tells(curve, column) for curve in plays.values())}
    most = curves.most(whole)
    if not most or not told:
        return None
    left, top, right, bottom = 52, 12, WIDTH - 36, HEIGHT - 34
    bands = {
        name: curves.band(plays, np.linspace(begun(plays, column), most, POINTS), column)
        for name, plays in told.items()
    }
    least, step = floor_of(min(float(band.mean[POINTS // 20]) for band in bands.values()))

    def across(spend) -> float:
        return round(left + (right - left) * float(spend) / most, 1)

    def up(value) -> float:
        return round(bottom - (bottom - top) * (min(max(float(value), least), 1.0) - least) / (1 - least), 1)

    ends = spread([up(band.mean[-1]) for band in bands.values()], top, bottom)
    return Spending(
        WIDTH, HEIGHT, left, top, right, bottom,
        x=tuple(Tick(across(at), f"{at:,}") for at in round_numbers(most)),
        y=tuple(Tick(up(level / 100), f"{level}%") for level in range(round(100 * least), 101, step)),
        lines=tuple(
            Line(*keys[name], path(across, up, band.spend, band.mean), area(across, up, band), right + 8, end + 4)
            for (name, band), end in zip(bands.items(), ends, strict=True) if name in keys
        ),
    )  # fmt: skip


def tells(curve: curves.Curve, column: int) -> bool:
    return any(point[column] is not None for point in curve)


def begun(plays: curves.Plays, column: int) -> float:
    """The spend from which on every seed tells of it."""
    return max(next(point[0] for point in curve if point[column] is not None) for curve in plays.values())


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
