"""Is the new classifier worse than the old one? Both are scored on the same exam items, which never train.

Only proof refuses: without it the new one is published, since it has learned from more answers.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from segmentation.confidence import log_losses

ENOUGH = 50  # exam items below which nothing is refused
SURE = 0.95  # one-sided


class Verdict(NamedTuple):
    """`difference`: mean log-loss of the new one minus that of the old; `bound`: the least it may truly be, at 95%.

    Both are None where nothing was compared; `items` were.
    """

    publish: bool
    reason: str
    items: int
    difference: float | None
    bound: float | None


class Estimate(NamedTuple):
    """A share right among `items`, None if there are none, and its 95% interval."""

    value: float | None
    low: float
    high: float
    items: int


def promote(old, new, truth, exclusive):
    """Compare two classifiers on the exam: refused only if the paired one-sided 95% bound says the new one is worse.

    Parameters
    ----------
    old, new : array (m, C)
        Probabilities of the same exam items. `old` is None for a first run; it may lack the last categories, if they
        are newer than it. Items it has no probabilities for (NaN) are not compared.
    truth : array
        What people agreed on: (m,) int, -1 unknown, where exclusive; else (m, C) of 0 and 1, NaN unknown.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        The shapes do not meet.
    """
    new = np.asarray(new, np.float64)
    broken = int((~np.isfinite(new)).any(axis=1).sum())
    if broken:
        return Verdict(False, f"Refused: {broken} of {len(new)} exam items got no probability.", 0, None, None)
    new_losses = log_losses(new, truth, exclusive)
    if old is None:
        return Verdict(True, "Published: it is the first, with none to compare it with.", 0, None, None)
    old_losses = log_losses(_widened(old, new), truth, exclusive)
    both = ~np.isnan(old_losses - new_losses)
    return _judged(old_losses[both], new_losses[both])


def _widened(old, new):
    """A category newer than the old classifier had no chance with it."""
    old = np.asarray(old, np.float64)
    return np.pad(old, ((0, 0), (0, max(0, new.shape[1] - old.shape[1]))))


def _judged(old, new):
    items, difference, bound = len(old), *_paired(new - old)
    if items < ENOUGH:
        reason = f"Published: {items} exam items are not enough to judge it ({ENOUGH} are needed)."
        return Verdict(True, reason, items, difference, bound)
    compared = f"on {items} exam items its log-loss is {new.mean():.3f} against {old.mean():.3f} before"
    if bound > 0:
        reason = f"Refused: {compared}, worse by at least {bound:.3f} with {SURE:.0%} confidence. The old one stays."
    elif difference > 0:
        reason = f"Published: {compared} (lower is better); the difference may be chance."
    else:
        reason = f"Published: {compared} (lower is better)."
    return Verdict(bound <= 0, reason, items, difference, bound)


def _paired(differences):
    """Mean and its lower bound by Student's t; None where there are too few to have one."""
    items = len(differences)
    mean = float(differences.mean()) if items else None
    if items < 2:
        return mean, None
    return mean, mean - float(stdtrit(items - 1, SURE) * differences.std(ddof=1) / np.sqrt(items))


def accuracy(probabilities, truth, exclusive):
    """Share right: items by their top category if exclusive, else known cells at 0.5; arguments as `promote` has them.

    The interval is Wilson's (1927) for as many trials as items: cells of one item are not independent, and a mean of
    several varies at most as much as one trial.
    """
    p, y = np.asarray(probabilities), np.asarray(truth)
    if exclusive:
        known, right = y >= 0, p.argmax(axis=1) == y
    else:
        known, right = ~np.isnan(y), (p >= 0.5) == (y >= 0.5)
    items = int(known.sum() if exclusive else known.any(axis=1).sum())
    if not items:
        return Estimate(None, 0.0, 1.0, 0)
    value = float(right[known].mean())
    return Estimate(value, *wilson(value, items), items)


def wilson(share, items):
    z = ndtri(0.975)
    middle = share + z**2 / (2 * items)
    half = z * np.sqrt(share * (1 - share) / items + z**2 / (4 * items**2))
    return tuple(float(np.clip((middle + sign * half) / (1 + z**2 / items), 0, 1)) for sign in (-1, 1))
