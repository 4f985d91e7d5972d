"""What courses that went on teach about forecasting others: how to weigh extrapolations, and how far they err.

Rule: each course is looked at from each of its runs, as if what came later were not known; then it is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

from segmentation.forecasts import (
    FARTHEST,
    LEAST,
    SURE,
    Course,
    Errors,
    Missing,
    Table,
    gain_signs,
    money_signs,
    quantiles,
    signs,
)

GAPS = 0.05, 1.0  # logits above the level: goals are drawn evenly between, whether they were ever reached or not
AHEAD = 1.25, 5.0  # times the spend that a goal took which certainly was reached
HORIZONS = 1.05, FARTHEST  # times the spend: evenly on the log scale
DRAWN = 5  # goals, and as many horizons, of each run
LONGEST = np.log(2 * FARTHEST)  # what takes longer is held to take at least so long
SHORT = np.log(1.5)  # a course that goes on for less says nothing of a goal it does not reach
RIDGE = 0.01
TOLERANCE = 0.05  # log spends, or logits: smaller errors count as their squares
ROUNDS = 60
TRIED = 700  # goals that the ends are fitted to


class Lessons(NamedTuple):
    """What was to be foretold of one course, from all of its runs. signs (n, d); horizon: (n,) known beforehand, NaN of
    goals; truth: (n,) log horizon of a goal, or logits gained; seen; noise; weight, which sum to 1."""

    signs: np.ndarray
    horizon: np.ndarray
    truth: np.ndarray
    seen: np.ndarray
    noise: np.ndarray
    weight: np.ndarray


class Taught(NamedTuple):
    """Of goals at any distance, of goals that were reached, and of what was gained by when."""

    goals: Lessons
    reached: Lessons
    gains: Lessons


def lessons(course: Course, truth: np.ndarray, random: np.random.Generator) -> Taught | None:
    """truth: (k,) how right each run really was, as well as is known. None if nothing is taught."""
    truth = np.clip(isotonic_regression(truth).x, 0.01, 0.995)
    log, told = np.log(course.spent), Taught([], [], [])
    for runs in range(LEAST, len(log)):
        try:
            found = signs(course.until(runs))
        except Missing:
            continue
        ahead = log - log[runs - 1]
        far = random.uniform(*np.log(AHEAD), DRAWN)
        goals = np.minimum(expit(logit(truth[runs - 1]) + random.uniform(*GAPS, DRAWN)), 0.995)
        told.goals.extend(goals_met(found, ahead, truth, goals))
        told.reached.extend(goals_met(found, ahead, truth, np.interp(far[far < ahead[-1]], ahead, truth)))
        told.gains.extend(gains_met(found, ahead, truth, random))
    return Taught(*map(gathered, told)) if all(told) else None


def goals_met(found, ahead: np.ndarray, truth: np.ndarray, goals: np.ndarray) -> list[tuple]:
    rows = []
    for row, goal in zip(money_signs(found, goals), goals, strict=True):
        met = reached(ahead, truth, goal)
        if np.isfinite(met) or ahead[-1] > SHORT:
            far = min(met, ahead[-1], LONGEST)
            rows.append((row, np.nan, max(far, 0.0), met <= min(ahead[-1], LONGEST), found.noise))
    return rows


def gains_met(found, ahead: np.ndarray, truth: np.ndarray, random) -> list[tuple]:
    horizons = random.uniform(*np.log(HORIZONS), DRAWN)
    horizons = horizons[horizons <= ahead[-1]]
    gained = np.interp(horizons, ahead, logit(truth)) - found.level
    rows = gain_signs(found, horizons)
    return [(row, at, gain, True, found.noise) for row, at, gain in zip(rows, horizons, gained, strict=True)]


def gathered(rows: list[tuple]) -> Lessons:
    *columns, noise = map(np.array, zip(*rows, strict=True))
    return Lessons(*columns, noise, np.full(len(noise), 1 / len(noise)))


def reached(ahead: np.ndarray, truth: np.ndarray, goal: float) -> float:
    """The log horizon at which the truth, which never falls, is first so high; infinite if it never is."""
    at = int(np.searchsorted(truth, goal))
    if at == len(truth):
        return np.inf
    if at == 0:
        return float(ahead[0])
    return float(ahead[at - 1] + (goal - truth[at - 1]) / (truth[at] - truth[at - 1]) * (ahead[at] - ahead[at - 1]))


# --- learning --------------------------------------------------------------------------------------------------------


def learn(taught: Sequence[Taught], kinds: Sequence[str] = ()) -> Table:
    """The table of these courses' lessons. kinds: what content each course was of; by default all of the same."""
    kinds = np.array(kinds or ["any"] * len(taught))
    parts = [[joined(column) for column in zip(*of(taught, kinds == one), strict=True)] for one in np.unique(kinds)]
    goals, met, gains = ([part[at] for part in parts] for at in range(3))
    money, gain = least_absolute(joined(goals)), least_absolute(joined(gains))
    return Table(
        money, gain, errors_met(joined(goals), money), errors_met(joined(gains), gain),
        (tails(goals, met, money), tails(gains, gains, gain)),
    )  # fmt: skip


def of(taught: Sequence[Taught], mine: np.ndarray) -> list[Taught]:
    return [one for one, mine in zip(taught, mine.tolist(), strict=True) if mine]


def tails(told: Sequence[Lessons], tried: Sequence[Lessons], weights: np.ndarray) -> float:
    """The share of errors beyond each end, so that SURE of what was tried lies between the ends that come from content
    of other kinds. told, tried: by kind.

    Goals nobody could reach are among the errors, so that ends at even shares would be wider than those that were
    reached need; content of a new kind needs wider ones.
    """
    shares, inside = np.linspace(0.02, 0.24, 23), []
    for at, mine in enumerate(tried):
        others = [one for other, one in enumerate(told) if other != at] or told
        errors, mine = errors_met(joined(others), weights), thin(mine, TRIED // len(tried))
        foretold = errors_met(mine, weights)
        ends = np.array([ends_at(errors, *one, shares) for one in zip(foretold.horizon, foretold.noise, strict=True)])
        left = foretold.error[:, None]
        inside.append(((ends[:, 0] <= left) & (left <= ends[:, 1])).mean(axis=0))
    return float(shares[np.argmin(np.abs(np.mean(inside, axis=0) - SURE))])


def ends_at(errors: Errors, horizon: float, noise: float, shares: np.ndarray) -> np.ndarray:
    """(2, s) low and high ends with each of these shares beyond them."""
    found = quantiles(errors, horizon, noise, np.concatenate([shares, 1 - shares]))
    return found.reshape(2, -1)


def thin(told: Lessons, count: int) -> Lessons:
    step = max(1, len(told.noise) // count)
    return Lessons(*(column[::step] for column in told))


def joined(parts: Sequence[Lessons]) -> Lessons:
    return Lessons(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def least_absolute(told: Lessons) -> np.ndarray:
    """Weights (d,) of the signs by least absolute errors; a goal not reached counts only where the forecast is short of
    what is known (Powell 1984, "Least absolute deviations estimation for the censored regression model")."""
    X, ridge = told.signs, RIDGE * np.diag(np.maximum(told.signs.var(axis=0), 1e-9))
    ridge[0, 0] = 0.0  # the constant
    size, counted, weights = np.ones(len(X)), told.seen, np.zeros(X.shape[1])
    for _ in range(ROUNDS):
        weight = told.weight * counted / size
        weighed = X * weight[:, None]
        weights = np.linalg.solve(X.T @ weighed / weight.sum() + ridge, weighed.T @ told.truth / weight.sum())
        left = told.truth - X @ weights
        counted, size = told.seen | (left > 0), np.maximum(np.abs(left), TOLERANCE)
    return weights


def errors_met(told: Lessons, weights: np.ndarray) -> Errors:
    foretold = told.signs @ weights
    horizon = np.where(np.isnan(told.horizon), foretold, told.horizon)
    return Errors(horizon, told.noise, told.truth - foretold, told.seen, told.weight)


def own_errors(course: Course, table: Table) -> tuple[Errors, Errors] | None:
    """How the forecaster erred on a project of this installation, by what the exam found later; None if none is due."""
    taught = lessons(course, np.asarray(course.accuracy, float), np.random.default_rng(0))
    return taught and (errors_met(taught.goals, table.money), errors_met(taught.gains, table.gain))


def thinned(errors: Errors, count: int, random: np.random.Generator) -> Errors:
    """So many of the errors, drawn by weight, all of the same weight then."""
    if len(errors.error) <= count:
        return errors
    kept = random.choice(len(errors.error), count, replace=False, p=errors.weight / errors.weight.sum())
    return Errors(*(column[kept] for column in errors))._replace(weight=np.full(count, 1 / count))
