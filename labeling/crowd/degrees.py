"""The degree of a cell: the share of people who say yes, corrected for how often they say it rightly and wrongly.

A worker says yes with probability f + (h - f) d, h and f being the rates of hits and of false alarms (Rogan and Gladen
1978); d is the least-squares solution over the cell's answers, so that careless workers weigh little.
"""

from typing import NamedTuple

import numpy as np

RIDGE = 0.05  # of a perfect worker's answer at a degree of .5: keeps cells finite that only guessers judged


class Degrees(NamedTuple):
    """share: (n, C), NaN where nobody judged; error: its standard error (n, C)."""

    share: np.ndarray
    error: np.ndarray


def degrees(model):
    """Degrees of a fitted Consensus."""
    return _solved(sum((_sums(channel, model.base_) for channel in model.channels_), np.zeros((5, *model.log_.shape))))


def degrees_of(heard, base):
    """Degrees (C,) of one item. heard: [(Said, rates (K, K) of who said it)]; base: (C,) the categories' shares."""
    sums = np.zeros((5, len(base)))
    for answer, rates in heard:
        at, hit, alarm = answer.category, rates[1, 1], rates[0, 1]
        if answer.choice:
            at = slice(None) if answer.offered is None else answer.offered
            hit, alarm = _hits(rates[None], base)
            hit, alarm = hit[0, at], alarm[0, at]
        said = (np.arange(len(base)) == answer.category)[at] if answer.choice else answer.said
        lift = np.maximum(hit - alarm, 0)
        sums[:, at] += np.array([np.ones_like(lift), lift, lift * said, lift * alarm, lift * lift])
    return _solved(sums)


def _solved(sums):
    """sums: over each cell's answers of 1, j, j v, j f, j j (5, ...), where j = h - f."""
    count, lift, said, false, square = sums
    weight = square + RIDGE
    share = np.clip((said - false + RIDGE / 2) / weight, 0, 1)
    lift = np.where(lift > 0, lift, 1)
    yes = (count * np.clip((false + square * share) / lift, 0, 1) + 1) / (count + 2)
    error = np.sqrt(square * yes * (1 - yes) + RIDGE * RIDGE / 12) / weight
    return Degrees(*(np.where(count > 0, column, np.nan) for column in (share, error)))


def _sums(channel, base):
    """Sums over each cell's answers of 1, j, j v, j f and j j (5, n, C)."""
    if channel.categories == 2 and hasattr(channel, "cell"):
        return _of_cells(channel)
    return _of_choices(channel, base)


def _of_cells(channel):
    hit, alarm = channel.rates[:, 1, 1], channel.rates[:, 0, 1]
    lift, source = np.maximum(hit - alarm, 0), channel.events.source
    columns = np.ones(len(lift)), lift, None, lift * alarm, lift * lift
    values = [channel.events.said * lift[source] if column is None else column[source] for column in columns]
    size = channel.shape[0] * channel.shape[1]
    return np.array([np.bincount(channel.cell, value, minlength=size).reshape(channel.shape) for value in values])


def _of_choices(channel, base):
    """The zeros that a choice implies count too, within what was offered."""
    hit, alarm = _hits(channel.rates, base)
    lift, events = np.maximum(hit - alarm, 0), channel.events
    count, total, false, square = channel.by_source([np.ones_like(lift), lift, lift * alarm, lift * lift])
    cell, size = events.item * len(base) + events.said, channel.shape[0] * len(base)
    said = np.bincount(cell, lift[events.source, events.said], minlength=size).reshape(channel.shape)
    return np.array([count, total, said, false, square])


def _hits(rates, base):
    """How often workers with these rates (U, K, K) choose each category rightly, and wrongly: two of (U, K)."""
    hit = np.einsum("ukk->uk", rates)
    return hit, (np.einsum("k,ukl->ul", base, rates) - base * hit) / np.maximum(1 - base, 1e-9)
