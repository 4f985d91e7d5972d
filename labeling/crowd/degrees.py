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
    sums = sum((_sums(channel, model.base_) for channel in model.channels_), np.zeros((5, *model.log_.shape)))
    count, lift, said, false, square = sums  # of j, j v, j f, j j, where j = h - f
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
    hit = np.einsum("ukk->uk", channel.rates)
    alarm = (np.einsum("k,ukl->ul", base, channel.rates) - base * hit) / np.maximum(1 - base, 1e-9)
    lift, events = np.maximum(hit - alarm, 0), channel.events
    count, total, false, square = channel.by_source([np.ones_like(lift), lift, lift * alarm, lift * lift])
    cell, size = events.item * len(base) + events.said, channel.shape[0] * len(base)
    said = np.bincount(cell, lift[events.source, events.said], minlength=size).reshape(channel.shape)
    return np.array([count, total, said, false, square])
