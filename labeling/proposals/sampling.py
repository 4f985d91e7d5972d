"""Items asked as a row without any look at prices: at random, and by the margin. The policies to beat."""

import numpy as np

from labeling.proposals.doubts import Doubt
from labeling.proposals.gains import row_bits
from labeling.proposals.ranking import lowest
from labeling.proposals.rectangles import Proposal, whole_rows


def random_items(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """All categories of items drawn uniformly from the askable: the naive start, and the policy to beat."""
    rows = np.flatnonzero(doubt.whole)
    rows = np.random.default_rng(random_state).choice(rows, min(limit, len(rows)), replace=False)
    return whole_rows(doubt, rows, row_bits(doubt, rows), ["drawn at random"] * len(rows))


def margin(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """All categories of the items with the smallest margin between the top two (Scheffer et al. 2001), to beat.

    Where categories are not exclusive, of the items with the cell nearest to one half.
    """
    random = np.random.default_rng(random_state)
    rows = np.flatnonzero(doubt.whole)
    p = doubt.probability[rows]
    if doubt.exclusive and p.shape[1] > 1:
        two = np.partition(p, -2, axis=1)[:, -2:]
        gap = two[:, 1] - two[:, 0]
    else:
        gap = np.where(doubt.cells[rows], np.abs(p - 0.5), 1).min(axis=1)
    rows = rows[lowest(gap, limit, random)]
    return whole_rows(doubt, rows, row_bits(doubt, rows), ["smallest margin"] * len(rows))
