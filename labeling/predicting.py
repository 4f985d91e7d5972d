"""What a published run says of cells, read from its stored array, and what people's word leaves of it."""

from collections.abc import Sequence

import numpy as np

from labeling import agreeing
from labeling.consensus import Rule
from labeling.models import Consensus


def known(stored: np.ndarray | None, rows: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """(n, C) float32 of these array places; NaN where the run knows neither the item nor the category.

    stored: a run's (rows, columns) array, None without a run. What to hold of the unknown is the caller's to say.
    """
    rows, columns = np.asarray(rows, int), np.asarray(columns, int)
    found = np.full((len(rows), len(columns)), np.nan, np.float32)
    if stored is not None:
        seen, offered = rows < stored.shape[0], columns < stored.shape[1]
        found[np.ix_(seen, offered)] = stored[np.ix_(rows[seen], columns[offered])]
    return found


def ruled_out(cell: Consensus, rule: Rule) -> bool:
    """Do people agree that the item is not of this category?"""
    return rule.strength(cell) < 0.5 and agreeing.agreed_cell(cell, rule)


def among_left(probability: np.ndarray, out: Sequence[tuple[int, int]]) -> np.ndarray:
    """Exclusive probabilities (n, C) after people ruled these (row, column) out: 0 there, the others share the rest.

    Where that leaves nothing (people ruled out all, or the item is unknown) the row stays as it was.
    """
    if not out:
        return probability
    rows, columns = np.array(out).T
    left = probability.copy()
    left[rows, columns] = 0.0
    rows = np.unique(rows)
    rest = np.nansum(left[rows], axis=1, keepdims=True)
    left[rows] = np.where(rest > 0, left[rows] / np.where(rest > 0, rest, 1), probability[rows])
    return left
