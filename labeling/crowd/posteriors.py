"""Evidence and prior -> probabilities, where categories exclude each other and where they do not."""

from functools import reduce

import numpy as np

OPEN = 1e-3  # a surer prior would be deaf
SHORT = 32  # columns; along longer axes numpy is quick enough
ASKED = 0.5  # how often a single category asked about is the item's, until answers tell


def posterior(evidence, prior, exclusive):
    """Probabilities (n, C) from log-likelihoods (n, C) and a prior (n, C) or (C,)."""
    prior = np.clip(prior, OPEN, 1 - OPEN)
    if not exclusive:
        return 1 / (1 + (1 - prior) / prior * np.exp(-np.clip(evidence, -700, 700)))
    logs = evidence + np.log(prior)
    if not logs.size:
        return logs
    weights = np.exp(logs - best(logs)[:, None])
    return weights / (weights @ np.ones(weights.shape[1]))[:, None]


def asked_about(base, share):
    """The prior (..., C) of exclusive items of which single categories were asked about, base (C,) being all items'.

    share: (..., C) how often so asked is answered by a yes, NaN where it was not. Who asks about one category has a
    reason to: without this, each yes would look like an error of people about a rare category.
    """
    odds = share / (1 - share)
    weights = np.where(np.isnan(share), base, np.maximum(1 - base, OPEN) * odds)
    return weights / weights.sum(axis=-1, keepdims=True)


def best(rows):
    """The rows' maxima (...,); column by column, since numpy is slow along a short last axis."""
    return reduce(np.maximum, np.moveaxis(rows, -1, 0)) if rows.shape[-1] <= SHORT else rows.max(axis=-1)


def with_gold(cells, gold, exclusive):
    """A copy of `cells` with known cells written over; a known yes of an exclusive item answers its row."""
    if gold is None:
        return cells
    item, category, known = (np.asarray(column) for column in gold)
    cells = cells.copy()
    if exclusive:
        cells[item[known > 0.5]] = 0
    cells[item, category] = known
    return cells / cells.sum(axis=1, keepdims=True) if exclusive else cells
