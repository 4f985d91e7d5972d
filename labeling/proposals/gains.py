"""What an answer is expected to tell, in bits: the mutual information of the answer and the truth (Lindley 1956).

Rates are P(said | truth), row by truth: (C, C) of a choice among all categories, (2, 2) no and yes of a cell.
"""

import numpy as np

FADING = 0.15  # people err alike: each answer that was given already takes so much from what the next one tells


def of_choice(p, rates):
    """Bits (m,) that a choice among all categories tells of items with posteriors p (m, C)."""
    return np.maximum(bits(p @ rates).sum(axis=1) - p @ bits(rates).sum(axis=1), 0)


def of_cell(p, rates):
    """Bits that a yes or no tells of cells with posteriors p, elementwise."""
    no, yes = rates[:, 1]
    return np.maximum(coin(no + p * (yes - no)) - p * coin(yes) - (1 - p) * coin(no), 0)


def fading(judged):
    """What a bit of one more answer counts where so many judged before."""
    return 1 / (1 + FADING * judged)


def of_row(doubt, at):
    """Bits (m,) that an answer to all categories of these items tells."""
    p = doubt.probability[at]
    if doubt.exclusive:
        return of_choice(p, doubt.said("categories", ways=len(doubt.names)))
    return np.where(doubt.cells[at], of_cell(p, doubt.said("categories", ways=2)), 0).sum(axis=1)


def of_query(posterior, columns, rates, judged, exclusive, choice):
    """Bits that one more answer to an open query is expected to tell: its value now.

    posterior: (r, C) of the query's items; columns: those it shows; rates: of its kind; judged: (r,) answers about each
    item so far; choice: one category is chosen among all.
    """
    chosen = choice and exclusive
    told = of_choice(posterior, rates) if chosen else of_cell(posterior[:, columns], rates).sum(axis=1)
    return float((told * fading(np.asarray(judged))).sum())


def worth_asking(value, price, worth, bits):
    """Is an answer that tells `value` bits worth its price, where leaving an item of so many `bits` in doubt costs
    `worth`? Without a worth whatever tells anything is."""
    return value > 0 if worth is None else worth * value > price * bits


def whole(categories, exclusive):
    """Bits that lie in an item of which nothing is known."""
    return np.log2(max(categories, 2)) if exclusive else float(categories)


def coin(p):
    """Entropy of a yes or no with probability p, elementwise."""
    return bits(p) + bits(1 - p)


def bits(p):
    """-p log2 p, 0 at 0."""
    return -p * np.log2(np.maximum(p, np.finfo(np.float32).tiny))


def row_bits(doubt, rows):
    """(m,) bits in doubt in all askable cells of these items: of one choice if exclusive, else of a yes/no each."""
    p = doubt.probability[rows]
    return bits(p).sum(axis=1) if doubt.exclusive else np.where(doubt.cells[rows], coin(p), 0).sum(axis=1)
