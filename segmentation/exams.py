"""How right is all that is delivered: what people agreed on, and elsewhere what the classifier says?

The exam's items are drawn from all, so they say how right the classifier is of any item. Where people agreed it is not
asked, and those are the items it doubted: it is better on what is left to it than on the exam. So the exam's items are
weighed until, by the classifier's confidence, they are as what is left.
"""

import numpy as np

from segmentation.promotion import Estimate, wilson

STRATA = 5  # of confidence, each with as many exam items
LEAST = 8  # of them in each
DOUBT = 2.0  # times that the error that people are believed to make may be more, or less


def delivered(sure, right, item, left, agreed, error, mistaken=0.0):
    """Accuracy of what is delivered, with its 95% interval.

    Parameters
    ----------
    sure, right : (m,) the classifier's confidence in each examined unit, and whether it is right there. A unit is an
        item, or a cell where items have several categories.
    item : (m,) which item the unit is of; units of one item count as one.
    left : (k,) its confidences in the units that are left to it.
    agreed : how many units people agreed on.
    error : the share of those that is wrong, as the consensus believes.
    mistaken : the share of the exam of which what people say is wrong, so that the classifier may be as much better, or
        worse, than it seems.

    Returns
    -------
    Estimate: Wilson's interval for as many items as the weights leave, after stratifying (Cochran 1977), with people
    wrong by up to `DOUBT` times as much, or as little, as is believed. Its value is None where nothing was examined,
    though something is left to the classifier.
    """
    sure, right, left = np.asarray(sure, float), np.asarray(right, bool), np.asarray(left, float)
    items = len(np.unique(item))
    ours = len(left) / max(len(left) + agreed, 1)
    if not items and len(left):
        return Estimate(None, 0.0, 1.0, 0)
    value, low, high = weighed(sure, right, items, left) if len(left) else (1.0, 1.0, 1.0)
    wrong = (1 - ours) * error
    return Estimate(
        ours * value + (1 - ours) - wrong,
        max(0.0, ours * (low - mistaken) + (1 - ours) - DOUBT * wrong),
        min(1.0, ours * (high + mistaken) + (1 - ours) - wrong / DOUBT),
        items,
    )


def weighed(sure, right, items, left):
    """Share right of what is left, and its interval. items: how many the (m,) units are of."""
    strata = max(1, min(STRATA, items // LEAST))
    edges = np.quantile(sure, np.arange(1, strata) / strata)
    mine, theirs = np.searchsorted(edges, sure, side="right"), np.searchsorted(edges, left, side="right")
    examined = np.bincount(mine, minlength=strata)
    share = np.bincount(theirs, minlength=strata) * (examined > 0)
    share = share / max(share.sum(), 1)
    found = np.bincount(mine, right, minlength=strata) / np.maximum(examined, 1)
    worth = 1 / np.sum(share**2 / np.maximum(examined, 1)) * items / len(sure)
    return float(share @ found), *wilson(float(share @ found), worth)
