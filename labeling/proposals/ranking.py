"""Which of many come first: linear in their number, equals in an order drawn at random."""

import numpy as np


def lowest(keys, count, random):
    """Positions of the `count` lowest keys, lowest first; equals at random, also at the border."""
    if count < len(keys):
        border = np.partition(keys, count)[count] if count else -np.inf
        sure, equal = np.flatnonzero(keys < border), np.flatnonzero(keys == border)
        picked = np.concatenate([sure, random.choice(equal, count - len(sure), replace=False)]) if count else sure
    else:
        picked = np.arange(len(keys))
    return picked[np.lexsort((random.random(len(picked)), keys[picked]))]


def leading(doubt, rows, random):
    """(m,) the askable column with the highest probability in these rows; equals are drawn at random."""
    p = np.where(doubt.cells[rows], doubt.probability[rows], -1)
    lead = p.argmax(axis=1)
    best = p == np.take_along_axis(p, lead[:, None], axis=1)
    tied = np.flatnonzero(best.sum(axis=1) > 1)
    lead[tied] = np.where(best[tied], random.random((len(tied), p.shape[1])), -1).argmax(axis=1)
    return lead


def runner_up(p, columns):
    """(m,) the best column but the given one."""
    others = p.copy()
    others[np.arange(len(p)), columns] = -1
    return others.argmax(axis=1)
