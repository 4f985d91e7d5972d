"""The plain rules of US 8,589,317 B2: a threshold for each kind, the lowest confidence first.

An item below `hard` is asked as a row and never as a yes/no (claim 2), a close call as a cell and never as a row, and a
category of low aggregate confidence as a column (claim 3). Values are the bits in doubt, as if nobody erred. Ties break
at random.
"""

import numpy as np

from labeling.proposals import reasons
from labeling.proposals.doubts import Doubt
from labeling.proposals.gains import coin, row_bits
from labeling.proposals.ranking import leading, lowest, runner_up
from labeling.proposals.rectangles import Proposal, rectangle, whole_rows


def close_calls(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """Yes/no: single cells nearest to one half, of items that are not hard altogether.

    For an exclusive item that is its leading askable category: of two probabilities that sum to at most one, the larger
    is never farther from one half.
    """
    random = np.random.default_rng(random_state)
    p = doubt.probability
    if doubt.exclusive:
        rows = np.flatnonzero(doubt.cells.any(axis=1) & (doubt.top < doubt.certain) & ~doubt.altogether)
        cells = rows * p.shape[1] + leading(doubt, rows, random)
    else:
        cells = np.flatnonzero(doubt.doubtful & ~doubt.altogether[:, None])
    picked = lowest(np.abs(np.take(p, cells) - 0.5), limit, random)
    rows, columns = np.divmod(cells[picked], p.shape[1])
    found = zip(rows, columns, coin(p[rows, columns]), reasons.of_cells(doubt, rows, columns), strict=True)
    return [rectangle(doubt, "yes_no", [row], [column], value, reason) for row, column, value, reason in found]


def hard_items(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """All categories of an item that is hard altogether, most bits first."""
    random = np.random.default_rng(random_state)
    rows = np.flatnonzero(doubt.altogether & doubt.whole)
    rows = rows[lowest(-row_bits(doubt, rows), limit, random)]
    return whole_rows(doubt, rows, row_bits(doubt, rows), reasons.of_hard_rows(doubt, rows))


def weak_categories(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """Many items of one category, for categories whose mean confidence over their plausible items is below `certain`.

    Plausible items of a category are those the classifier puts there (exclusive), or does not surely exclude. The
    weakest categories come first and share the limit; each asks its most doubtful items, in grids that agree in their
    doubt: the same rival, a like probability. Fewer than two items make no grid.
    """
    random = np.random.default_rng(random_state)
    lead = leading(doubt, np.arange(len(doubt.probability)), random) if doubt.exclusive else None
    strength = _strength(doubt, lead)
    order = np.lexsort((random.random(len(strength)), strength))
    weak = [column for column in order if strength[column] < doubt.certain]
    found = []
    for position, column in enumerate(weak):
        share = -(-(limit - len(found)) // (len(weak) - position))  # what this category leaves goes to the others
        found += _grids(doubt, _doubted(doubt, lead, column), column, share, random)
    return found


def _grids(doubt, pool, column, count, random):
    """At most `count` grids of one category from the items in `pool`."""
    p = doubt.probability[pool, column]
    picked = lowest(np.abs(p - 0.5), count * doubt.grid, random)
    rows, p = pool[picked], p[picked]
    order = np.lexsort((p, runner_up(doubt.probability[rows], column))) if doubt.exclusive else np.argsort(p)
    rows, bits = rows[order], coin(p[order])
    reason = reasons.of_grid(doubt, column, len(pool))
    cuts = [slice(start, start + doubt.grid) for start in range(0, len(rows) - 1, doubt.grid)]
    return [rectangle(doubt, "items", rows[cut], [column], bits[cut].sum(), reason) for cut in cuts]


def _strength(doubt, lead):
    """(C,) mean confidence of each category over its plausible items; 1 without any."""
    p, width = doubt.probability, doubt.probability.shape[1]
    if doubt.exclusive:
        askable = doubt.cells.any(axis=1)
        total = np.bincount(lead[askable], doubt.top[askable], minlength=width)
        count = np.bincount(lead[askable], minlength=width)
    else:
        plausible = doubt.cells & (p > 1 - doubt.certain)
        total, count = np.maximum(p, 1 - p).sum(axis=0, where=plausible, dtype=float), plausible.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), 1)


def _doubted(doubt, lead, column):
    """Rows to ask about one category: in doubt and, if exclusive, led by it."""
    if not doubt.exclusive:
        return np.flatnonzero(doubt.doubtful[:, column])
    return np.flatnonzero((lead == column) & doubt.cells[:, column] & (doubt.top < doubt.certain))
