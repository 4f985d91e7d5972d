"""The planner: of each kind the rectangles whose answers tell most, of new items and of open ones.

A value is the mutual information of an answer and its items' categories, in bits. What people were asked before tells
less each time, since people err alike. An answer also teaches the classifier: its bits count once more for every wholly
unsure item that a short walk over the neighbour graph meets (density weighting, Settles and Craven 2008), of open items
too, for a slip in the middle of many like it misleads about them all. New items are drawn by value with Gumbel noise,
which makes a batch as diverse as clustering would, at the cost of one pass (Kirsch et al. 2023, "Stochastic batch
acquisition"); the best alone would all be alike.
"""

from typing import NamedTuple

import numpy as np

from labeling.proposals import gains, reasons
from labeling.proposals.doubts import Doubt
from labeling.proposals.ranking import leading, runner_up
from labeling.proposals.rectangles import Proposal, rectangle, whole_rows

ROUGHLY = 4  # times as many items are weighed exactly as may be proposed
MISLED = 0.1  # people who accept more of the wrong cells than this must see all categories of a new item
NOISE = 0.5  # in logs of value; at 1 items would be drawn in proportion to their value, at 0 the best taken


class Side(NamedTuple):
    """Items (m,) that may be worth asking: how much their bits count, and their luck in the draw."""

    items: np.ndarray
    factor: np.ndarray
    luck: np.ndarray
    resolves: bool

    def some(self, rows):
        return Side(self.items[rows], self.factor[rows], self.luck[rows], self.resolves)

    def best(self, values, count):
        """Positions of the `count` most worth asking of so valued ones, the most first."""
        return _most(values * self.luck, count)


def rows(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """All categories of an item."""
    random, found = np.random.default_rng(random_state), []
    for side in _sides(doubt, doubt.whole, limit, random):
        values = side.factor * gains.of_row(doubt, side.items)
        best = side.best(values, limit)
        at = side.items[best]
        found += whole_rows(doubt, at, values[best], reasons.of_rows(doubt, at), side.resolves, side.luck[best])
    return found


def cells(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """Yes/no: of an exclusive item its leading category, else each doubtful cell."""
    random, found = np.random.default_rng(random_state), []
    for side in _seldom_misled(doubt, "yes_no", limit, random):
        side, columns, values = _cells(doubt, "yes_no", side, random)
        best = side.best(values, limit)
        at, columns = side.items[best], columns[best]
        why = reasons.of_cells(doubt, at, columns)
        some = zip(at, columns, values[best], why, side.luck[best], strict=True)
        found += [rectangle(doubt, "yes_no", [row], [column], value, reason, side.resolves, luck)
                  for row, column, value, reason, luck in some]  # fmt: skip
    return found


def grids(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """Many items of one category, which agree in their doubt: the same rival, a like probability."""
    random, found = np.random.default_rng(random_state), []
    for side in _seldom_misled(doubt, "items", limit * doubt.grid, random):
        side, columns, values = _cells(doubt, "items", side, random)
        best = side.best(values, limit * doubt.grid)
        for column in np.unique(columns[best]):
            some = best[columns[best] == column]
            found += _grids_of(doubt, column, side.some(some), values[some])
    return found


def _grids_of(doubt, column, side, values):
    """The most worth asking together; of one rival, a like value is a like probability."""
    rivals = runner_up(doubt.probability[side.items], column) if doubt.exclusive else np.zeros(len(values))
    lucky, reason = values * side.luck, reasons.of_grid(doubt, column, doubt.weak[column])
    order = np.lexsort((-lucky, rivals))
    cuts = [order[start : start + doubt.grid] for start in range(0, len(order) - 1, doubt.grid)]
    return [rectangle(doubt, "items", side.items[cut], [column], values[cut].sum(), reason, side.resolves,
                      lucky[cut].sum() / max(values[cut].sum(), 1e-12)) for cut in cuts]  # fmt: skip


def _cells(doubt, kind, side, random):
    """The side with an entry for each of its cells, their columns, their values."""
    if doubt.exclusive:
        columns = leading(doubt, side.items, random)
    else:
        entries, columns = np.nonzero(doubt.doubtful_in(side.items))
        side = side.some(entries)
    p = doubt.probability[side.items, columns]
    return side, columns, side.factor * gains.of_cell(p, doubt.said(kind, ways=2))


def _seldom_misled(doubt, kind, count, random):
    """Where people were seen to accept look-alikes of the one true category, single cells only resolve what is open."""
    misled = doubt.exclusive and kind in doubt.rates and doubt.rates[kind][0, 1] > MISLED
    return [side for side in _sides(doubt, doubt.some, count, random) if side.resolves or not misled]


def _sides(doubt, mask, count, random):
    """Open items and new ones, of each the roughly most promising. All kinds draw the same luck from the same seed."""
    doubtful = mask & (doubt.confidence < doubt.certain)
    judged = np.zeros(len(doubtful), int) if doubt.judged is None else doubt.judged
    open_, new = np.flatnonzero(doubtful & (judged > 0)), np.flatnonzero(doubtful & (judged == 0))
    luck = np.maximum(random.standard_exponential(len(judged), np.float32)[new], 1e-6)
    resolving = Side(open_, gains.fading(judged[open_]) * (1 + doubt.around[open_]), np.ones(len(open_)), True)
    teaching = Side(new, 1 + doubt.around[new], luck**-NOISE, False)  # the exponential of Gumbel noise
    return [side.some(side.best(doubt.unsure[side.items] * side.factor, ROUGHLY * count))
            for side in (resolving, teaching)]  # fmt: skip


def _most(keys, count):
    """Positions of the `count` highest keys, the highest first; linear in keys."""
    few = np.argpartition(-keys, count)[:count] if count < len(keys) else np.arange(len(keys))
    return few[np.argsort(-keys[few], kind="stable")]
