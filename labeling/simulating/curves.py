"""Accuracy against spend, of several policies over paired seeds: means with bands, and what each needs to get there.

A curve is [(spend, accuracy, accuracy on items nobody was asked about or None)], by growing spend. After its last point
a policy spends nothing more and stays as accurate as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

Curve = Sequence[Sequence[float]]
Plays = Mapping[int, Curve]  # by seed
LEVELS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99)
DELIVERED, UNSEEN = 1, 2  # columns of a curve


@dataclass(frozen=True)
class Band:
    """Over seeds, at each spend: the mean, the lowest and the highest."""

    spend: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Need:
    """What one policy needs to reach a level. money: the geometric mean over the seeds that got there, None if none
    did; reached: how many of `seeds` did."""

    money: float | None
    reached: int
    seeds: int


@dataclass(frozen=True)
class Ratio:
    """Times the money that the other needs: geometric mean over the seeds in which both got there, with a 95% interval.

    value, low, high: None without such a seed, low and high also with a single one; pairs: how many such seeds;
    never: seeds in which only this policy did not get there; alone: those in which only the other did not.
    """

    value: float | None
    low: float | None
    high: float | None
    pairs: int
    never: int
    alone: int


def at(curve: Curve, spends: np.ndarray, column: int = DELIVERED) -> np.ndarray:
    """The accuracy after so much was spent, on a line between two points."""
    points = [point for point in curve if point[column] is not None]
    if not points:
        return np.full(len(spends), np.nan)
    return np.interp(spends, [point[0] for point in points], [point[column] for point in points])


def band(plays: Plays, spends: np.ndarray, column: int = DELIVERED) -> Band:
    """Of one policy; spends: (k,)."""
    found = np.array([at(curve, spends, column) for curve in plays.values()])
    return Band(spends, found.mean(axis=0), found.min(axis=0), found.max(axis=0))


def half_width(found: np.ndarray) -> np.ndarray:
    """Of the 95% interval (Student's t) of a mean over the first axis."""
    return stats.t.ppf(0.975, len(found) - 1) * found.std(axis=0, ddof=1) / np.sqrt(len(found))


def money_to(curve: Curve, level: float, column: int = DELIVERED) -> float | None:
    """What was spent when this accuracy was first reached, between two points on a line over log money; else None."""
    points = [point for point in curve if point[column] is not None and point[0] > 0]
    got = np.maximum.accumulate([point[column] for point in points]) if points else np.zeros(0)
    if not len(got) or got[-1] < level:
        return None
    to = int(np.argmax(got >= level))
    if to == 0:
        return float(points[0][0])
    part = (level - got[to - 1]) / (got[to] - got[to - 1])
    before, after = np.log([points[to - 1][0], points[to][0]])
    return float(np.exp(before + part * (after - before)))


def need(plays: Plays, level: float, column: int = DELIVERED) -> Need:
    found = [money_to(curve, level, column) for curve in plays.values()]
    there = [money for money in found if money is not None]
    return Need(float(np.exp(np.log(there).mean())) if there else None, len(there), len(found))


def ratio(plays: Plays, other: Plays, level: float, column: int = DELIVERED) -> Ratio:
    """What this policy needs in times of what the other does, over the seeds that both have played."""
    pairs = [
        (money_to(plays[seed], level, column), money_to(other[seed], level, column)) for seed in plays if seed in other
    ]
    logs = np.array([np.log(one / two) for one, two in pairs if one and two])
    never, alone = (sum(not pair[side] and bool(pair[1 - side]) for pair in pairs) for side in (0, 1))
    if not len(logs):
        return Ratio(None, None, None, 0, never, alone)
    mean = logs.mean()
    if len(logs) == 1:
        return Ratio(float(np.exp(mean)), None, None, 1, never, alone)
    wide = half_width(logs)
    return Ratio(*(float(np.exp(one)) for one in (mean, mean - wide, mean + wide)), len(logs), never, alone)


def levels(policies: Mapping[str, Plays], column: int = DELIVERED) -> list[float]:
    """Round accuracies to compare at: the highest two that all policies reach in every seed, and the highest that any
    does; none that everybody begins with."""
    told = [plays for plays in policies.values() if plays]
    there = {level: sum(need(plays, level, column).reached == len(plays) for plays in told) for level in LEVELS}
    begun = min((reading(curve[0], column) for plays in told for curve in plays.values()), default=1.0)
    by_all = [level for level, count in there.items() if count == len(told) and level > begun]
    by_any = [level for level, count in there.items() if count and level > begun]
    return sorted({*by_all[-2:], *by_any[-1:]})


def reading(point: Sequence[float], column: int) -> float:
    return 0.0 if point[column] is None else point[column]


def most(policies: Mapping[str, Plays]) -> float:
    """The most that any of them has spent."""
    return max((curve[-1][0] for plays in policies.values() for curve in plays.values() if curve), default=0.0)
