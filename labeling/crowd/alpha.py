"""How far people agree with each other beyond chance: Krippendorff's alpha, and agreement in pairs.

Alpha for nominal data (Krippendorff, Content Analysis, 2004, ch. 11): 1 is perfect agreement, 0 what chance would give.
Units judged once say nothing and are left out. Intervals come from drawing the items anew, with all that was said of
them (Efron and Tibshirani 1993), since answers about one item are alike.
"""

from typing import NamedTuple

import numpy as np

DRAWS = 500
LEVEL = 0.95


class Alpha(NamedTuple):
    """value: NaN where everybody always said the same, or nothing was judged twice; low, high: its interval; units:
    judged twice or more; answers: about them."""

    value: float
    low: float
    high: float
    units: int
    answers: int


class Table(NamedTuple):
    """Judgments (m,) by numbers from 0: of a `unit` (what is judged), which belongs to an `item`, by a `worker`, who
    `said` one of so many `values`."""

    unit: np.ndarray
    item: np.ndarray
    worker: np.ndarray
    said: np.ndarray
    values: int

    def some(self, rows):
        return Table(self.unit[rows], self.item[rows], self.worker[rows], self.said[rows], self.values)


def alpha(table, random_state=None, draws=DRAWS, level=LEVEL):
    """Alpha of a Table."""
    counts, item = _counted(table)
    many = counts.sum(axis=1) >= 2
    counts, item = counts[many], np.unique(item[many], return_inverse=True)[1].ravel()
    size = counts.sum(axis=1)
    split = (size**2 - (counts**2).sum(axis=1)) / np.maximum(size - 1, 1)
    parts = np.zeros((int(item.max(initial=-1)) + 1, 1 + table.values))
    np.add.at(parts, item, np.column_stack([split, counts]))
    value = float(_alpha(parts.sum(axis=0)))
    low, high = _interval(parts, np.random.default_rng(random_state), draws, level)
    return Alpha(value, low, high, int(many.sum()), int(counts.sum()))


def _counted(table):
    """((u, V) how often each value was said of each unit, (u,) its item)."""
    units, first, unit = np.unique(table.unit, return_index=True, return_inverse=True)
    counts = np.bincount(unit.ravel() * table.values + table.said, minlength=len(units) * table.values)
    return counts.reshape(len(units), table.values).astype(float), np.asarray(table.item)[first]


def _alpha(parts):
    """From the sums (..., 1 + V) of split pairs and of how often each value was said."""
    split, said = parts[..., 0], parts[..., 1:]
    total = said.sum(axis=-1)
    expected = total**2 - (said**2).sum(axis=-1)
    return np.where(expected > 0, 1 - (total - 1) * split / np.where(expected > 0, expected, 1), np.nan)


def _interval(parts, random, draws, level):
    if len(parts) < 2:
        return np.nan, np.nan
    sums = (np.bincount(random.integers(len(parts), size=len(parts)), minlength=len(parts)) @ parts
            for _ in range(draws))  # fmt: skip
    found = _alpha(np.array(list(sums)))
    found = found[~np.isnan(found)]
    if not len(found):
        return np.nan, np.nan
    return tuple(float(bound) for bound in np.quantile(found, [(1 - level) / 2, (1 + level) / 2]))


# --- in pairs --------------------------------------------------------------------------------------------------------


class Pairs(NamedTuple):
    """Two workers (p,) who judged the same units: how many, how often they said the same, and Cohen's kappa (NaN where
    chance alone would always agree)."""

    one: np.ndarray
    other: np.ndarray
    common: np.ndarray
    same: np.ndarray
    kappa: np.ndarray


def pairs(table):
    """Pairs of all workers with a unit in common, numbered as in the Table, `one` < `other`."""
    order = np.lexsort((table.worker, table.unit))
    unit, worker, said = (column[order] for column in (table.unit, table.worker, table.said))
    width, values = int(worker.max(initial=0)) + 1, table.values
    found = []
    for lag in range(1, len(unit)):
        near = np.flatnonzero(unit[lag:] == unit[:-lag])
        if not len(near):
            break
        near = near[worker[near] != worker[near + lag]]
        found.append(((worker[near] * width + worker[near + lag]) * values + said[near]) * values + said[near + lag])
    cell, count = np.unique(np.concatenate(found) if found else np.zeros(0, int), return_counts=True)
    pair, said = np.divmod(cell, values * values)
    names, at = np.unique(pair, return_inverse=True)
    first, second = np.divmod(said, values)
    common, same = (np.bincount(at, weights, minlength=len(names)) for weights in (count, count * (first == second)))
    chance = _chance(at, first, second, count, len(names), values) / np.maximum(common, 1) ** 2
    kappa = np.where(chance < 1, (same / np.maximum(common, 1) - chance) / np.where(chance < 1, 1 - chance, 1), np.nan)
    return Pairs(names // width, names % width, common.astype(int), same.astype(int), kappa)


def _chance(at, first, second, count, pairs, values):
    """(p,) sum over the values of how often the one said it times how often the other did."""
    one, other = ({}, {})
    for side, said in ((one, first), (other, second)):
        key, where = np.unique(at * values + said, return_inverse=True)
        side |= dict(zip(key.tolist(), np.bincount(where, count).tolist(), strict=True))
    both = np.array(sorted(one.keys() & other.keys()), int)
    products = np.array([one[key] * other[key] for key in both.tolist()])
    return np.bincount(both // values, products, minlength=pairs)


# --- what people judged alike ----------------------------------------------------------------------------------------


def of_all(log, worker):
    """Table of everything that was said (`answers.read`); worker: (U,) the number of each source's worker.

    Choices of one among all categories where there are any, else yes or no to cells.
    """
    if len(log.choices.item):
        return _of_choices(log.choices, worker, log.shape[1])
    events = _whole(log.cells)
    return Table(events.item * log.shape[1] + events.category, events.item, worker[events.source], events.said, 2)


def of_category(log, worker, category):
    """Table of one category, yes or no to each item: a choice says yes to its category and no to the others offered."""
    choices, cells = log.choices, _whole(log.cells)
    shown = slice(None) if choices.offered is None else choices.offered[:, category]
    choices, cells = choices.some(shown), cells.some(cells.category == category)
    item = np.concatenate([choices.item, cells.item])
    said = np.concatenate([choices.said == category, cells.said]).astype(int)
    return Table(item, item, worker[np.concatenate([choices.source, cells.source])], said, 2)


def _of_choices(choices, worker, categories):
    choices = choices if choices.offered is None else choices.some(choices.offered.all(axis=1))
    return Table(choices.item, choices.item, worker[choices.source], choices.said, categories)


def _whole(events):
    """Without judgments of a half, which take no side."""
    return events.some(events.weight > 0)
