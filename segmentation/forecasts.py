"""How right will the classifier be after more money, and what does it take? From the runs so far, with intervals.

Rule: what happened on other projects says how far to trust. A few plain extrapolations of this project's course are
weighed by what would have been right elsewhere, and the interval around is what the errors were elsewhere.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtri

SHIPPED = Path(__file__).with_name("forecasts.npz")
LEAST = 4  # runs
FEWEST = 20  # exam items of the last of them
FARTHEST = 8.0  # times what has been spent: beyond that there is nothing to learn from
SURE = 0.8
SPANS = np.log([2.0, 4.0, 16.0])  # times of spending that the three lines look back
USUAL = 0.35  # logits that the log of the spend gains in the middle of projects; lines of few runs lean to it
LEANING = 0.01  # how much, as a share of the weight of the runs
STEP = 0.09  # of the log of the spend: runs closer together than this say the same
OWN = 20.0  # errors of the table that a project of this installation weighs as much as
TABLE = 200.0  # errors that the table weighs as much as, wherever one looks in it
EDGES = 0.02, 0.98  # of the errors: what is beyond is read as what is there
CUT = 9.0  # of squared distance: farther ones hardly speak
NEAR = 0.25, 0.5  # how far apart in log horizon and in log standard error two errors still speak for each other


class Course(NamedTuple):
    """A project's runs in the order of spending, all (k,): money spent when each began to learn, in any unit; its
    accuracy on the exam, in [0, 1]; and how many exam items that is of."""

    spent: np.ndarray
    accuracy: np.ndarray
    items: np.ndarray

    def until(self, runs: int) -> "Course":
        return Course(*(np.asarray(column, float)[:runs] for column in self))


class Range(NamedTuple):
    """A figure between its 80% bounds; infinite where it cannot be foreseen."""

    value: float
    low: float
    high: float


class Errors(NamedTuple):
    """Past errors of a forecast, all (n,): log horizon foretold, or asked for; standard error of the level, in logits;
    truth minus forecast; whether it was seen (else the truth was at least that); weight."""

    horizon: np.ndarray
    noise: np.ndarray
    error: np.ndarray
    seen: np.ndarray
    weight: np.ndarray


class Table(NamedTuple):
    """What other projects teach. money, gain: weights of `money_signs` and `gain_signs`, and the errors left of each;
    tails: the share of errors beyond each end of an interval, of money and of gain."""

    money: np.ndarray
    gain: np.ndarray
    money_errors: Errors
    gain_errors: Errors
    tails: tuple[float, float]


class Missing(ValueError):
    """There is too little to forecast from; the sentence says what is missing."""


# --- what a course says of itself ------------------------------------------------------------------------------------


class Signs(NamedTuple):
    """level: logit of the accuracy now; noise: its standard error; slopes: of three lines through the latest runs, in
    logits per log of spending; power: level and slope of the same for minus the log of the errors' share."""

    spent: float
    level: float
    noise: float
    slopes: np.ndarray
    power: tuple[float, float]


def signs(course: Course) -> Signs:
    """Raises Missing where there are too few runs, or too small an exam."""
    spent, accuracy, items = course.until(len(course.spent))
    require(spent, items)
    at = apart(np.log(spent / spent[-1]))
    x, right = np.log(spent[at] / spent[-1]), (accuracy[at] * items[at] + 0.5) / (items[at] + 1)
    lines = [line(x, logit(right), span, USUAL) for span in SPANS]
    slopes = np.array([slope for _, slope in lines])
    last = (accuracy[-1] * items[-1] + 0.5) / (items[-1] + 1)
    noise = 1 / np.sqrt(items[-1] * last * (1 - last))
    power = line(x, -np.log1p(-right), SPANS[1], USUAL / 2)
    return Signs(float(spent[-1]), (lines[0][0] + lines[1][0]) / 2, float(noise), slopes, power)


def require(spent: np.ndarray, items: np.ndarray) -> None:
    if len(spent) < LEAST:
        one = "" if len(spent) == 1 else "s"
        raise Missing(f"A forecast needs {LEAST} runs that the exam has measured; there {are(len(spent))}{one} so far.")
    if items[-1] < FEWEST:
        raise Missing(f"A forecast needs an exam of {FEWEST} items; it has {items[-1]:.0f} so far.")
    if spent[0] <= 0 or spent[-1] < 1.2 * spent[0]:
        raise Missing("The runs so far were all at about the same spend; more answers will show where it goes.")


def are(runs: int) -> str:
    return "is 1 run" if runs == 1 else f"are {runs or 'no'} run"


def apart(x: np.ndarray) -> np.ndarray:
    """Places of runs a step of spending apart, counted from the last."""
    kept = [len(x) - 1]
    for at in range(len(x) - 2, -1, -1):
        if x[kept[-1]] - x[at] >= STEP:
            kept.append(at)
    return np.array(kept[::-1])


def line(x: np.ndarray, y: np.ndarray, span: float, usual: float) -> tuple[float, float]:
    """Level at 0 and slope, recent points weighing more, by least squares leaning to the usual slope."""
    near = x >= min(-span, x[-3:].min())
    x, y, weight = x[near], y[near], np.exp(x[near] / span)
    lean = LEANING * weight.sum()
    middle = (weight @ x) / weight.sum(), (weight @ y) / weight.sum()
    slope = (weight @ ((x - middle[0]) * (y - middle[1])) + lean * usual) / (weight @ (x - middle[0]) ** 2 + lean)
    return float(middle[1] - slope * middle[0]), float(slope)


def money_signs(course: Signs, goals: np.ndarray) -> np.ndarray:
    """(m, 7) of each goal, accuracies (m,): log horizons at which the lines get there, and how far it is."""
    gap = logit(goals) - course.level
    far = [gap / max(slope, 0.05) for slope in course.slopes]
    far.append((-np.log1p(-goals) - course.power[0]) / max(course.power[1], 0.03))
    ones = np.ones(len(goals))
    return np.stack([ones, *(np.log1p(np.clip(it, 0, 8)) for it in far), gap, ones * course.level], axis=1)


def gain_signs(course: Signs, horizons: np.ndarray) -> np.ndarray:
    """(m, 8) of each log horizon (m,): what the lines would gain until then, in logits over the level."""
    lines = [max(slope, 0.0) * horizons for slope in course.slopes]
    errors = np.exp(-course.power[0] - max(course.power[1], 0.0) * horizons)
    power = -logit(np.clip(errors, 1e-3, 0.99)) - course.level
    ones = np.ones(len(horizons))
    return np.stack([ones, horizons, horizons**2, *lines, power, ones * course.level * horizons], axis=1)


# --- forecasts -------------------------------------------------------------------------------------------------------


class Forecaster:
    """Parameters: table, what other projects teach, by default the shipped one; own, (money errors, gain errors) of
    each project of this installation, see `lessons.own_errors`."""

    def __init__(self, table: Table | None = None, own: Sequence[tuple[Errors, Errors]] = ()):
        self.table = table or shipped()
        self.money_errors = blended(self.table.money_errors, [money for money, _ in own])
        self.gain_errors = blended(self.table.gain_errors, [gain for _, gain in own])

    def moneys(self, course: Course, goals: Sequence[float]) -> list[Range]:
        """What has to be spent in all until the accuracy is each of these goals, in rising order.

        What is known is of goals that are reached at all; no end is beyond what may be foreseen, it is infinite then.
        """
        found, goals = signs(course), np.asarray(goals, float)
        horizons = money_signs(found, goals) @ self.table.money
        shares = shares_of(self.table.tails[0])
        ends = [at + quantiles(self.money_errors, at, found.noise, shares) for at in horizons]
        ends = np.maximum.accumulate(np.maximum(ends, 0.0), axis=0)
        ends[horizons > np.log(FARTHEST), ::2] = np.inf
        ends[goals <= course.accuracy[-1]] = 0.0
        ends[ends > np.log(2 * FARTHEST)] = np.inf
        return [Range(*map(float, row)) for row in found.spent * np.exp(ends)]

    def fan(self, course: Course, spends: Sequence[float]) -> list[Range]:
        """How right it will be when so much has been spent, from now to FARTHEST times as much, in rising order."""
        found = signs(course)
        horizons = np.log(np.clip(np.asarray(spends, float) / found.spent, 1.0, FARTHEST))
        levels = found.level + gain_signs(found, horizons) @ self.table.gain
        shares = shares_of(self.table.tails[1])
        ends = [quantiles(self.gain_errors, at, found.noise, shares) for at in horizons]
        ends = np.maximum.accumulate(expit(levels[:, None] + ends), axis=0)
        return [Range(*map(float, row)) for row in ends]


def shares_of(tail: float) -> tuple[float, float, float]:
    return 0.5, tail, 1 - tail


def now(course: Course) -> Range:
    """The accuracy measured last, with Wilson's interval (1927) at 80%."""
    share, items = float(course.accuracy[-1]), float(course.items[-1])
    z = ndtri((1 + SURE) / 2)
    middle, half = share + z**2 / (2 * items), z * np.sqrt(share * (1 - share) / items + z**2 / (4 * items**2))
    return Range(share, *(float((middle + sign * half) / (1 + z**2 / items)) for sign in (-1, 1)))


def quantiles(errors: Errors, horizon: float, noise: float, shares: Sequence[float]) -> np.ndarray:
    """Quantiles (s,) of the errors met at about this log horizon and noise.

    Errors of which only the least is known (the goal was not reached while one looked) hand their weight on to those
    above (Kaplan and Meier 1958). What is left in the end was perhaps never to be reached: the figures are of the rest.
    """
    horizon = np.clip(horizon, *np.quantile(errors.horizon, EDGES))
    noise = np.clip(noise, *np.quantile(errors.noise, EDGES))
    apart = ((errors.horizon - horizon) / NEAR[0]) ** 2 + (np.log(errors.noise / noise) / NEAR[1]) ** 2
    near = apart < apart.min() + CUT
    order = np.flatnonzero(near)[np.argsort(errors.error[near], kind="stable")]
    weight, error = errors.weight[order] * np.exp((apart.min() - apart[order]) / 2), errors.error[order]
    left = np.cumsum(weight[::-1])[::-1]
    found = 1 - np.cumprod(np.where(errors.seen[order], 1 - weight / left, 1.0))
    return error[np.minimum(np.searchsorted(found, np.asarray(shares) * found[-1]), len(found) - 1)]


def blended(table: Errors, own: Sequence[Errors]) -> Errors:
    """The table's errors with this installation's own, which count for more the more projects there are."""
    parts = [one._replace(weight=one.weight * OWN / one.weight.sum()) for one in own if len(one.error)]
    scale = TABLE / table.weight.sum()
    parts.append(table._replace(weight=table.weight * scale))
    return Errors(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


# --- what other projects teach ---------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def shipped() -> Table:
    """Learned from simulated projects, `tests/benchmarks/bench_forecast.py`."""
    with np.load(SHIPPED, allow_pickle=False) as kept:
        found = [Errors(*kept[f"{name}_errors"].astype(float)) for name in ("money", "gain")]
        found = [errors._replace(seen=errors.seen > 0.5) for errors in found]
        return Table(kept["money"].astype(float), kept["gain"].astype(float), *found, tuple(kept["tails"].tolist()))
