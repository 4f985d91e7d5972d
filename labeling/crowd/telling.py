"""How many items look like what they are not: what answers and known truth tell of it.

The torn are so many that answers foretell each other best, workers' rates being averages over items of every look.
Of the misled only known truth tells, held against what people alone say: answers cannot tell the truth from what all
see.
"""

import numpy as np

from labeling.crowd.heldout import heldout, sums
from labeling.crowd.looks import MISLED, TORN, Looks, evidence, looks, passing, sides, usual, weights
from labeling.crowd.posteriors import posterior

SHARES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4)  # of torn items to choose from
RELUCTANCE = 4.0  # nats that answers have to tell for twice the usual share or half of it; four times as many for four
ALL, ROW = 20.0, 4.0  # known items that the usual share of misled ones weighs as much as; of one category, all others'
STEPS = 10


def told(model, unknowing=None):
    """The Looks of a model's items; unknowing: the model without what is known beforehand, None where nothing is.

    Where categories are not exclusive each is looked at by itself, around what holds of all.
    """
    if not model.channels_ or model.width() < 2:
        return usual(model.log_.shape[1], model.exclusive)
    base, exclusive = spread(model), model.exclusive
    known = unknowing and Known(unknowing, model.gold_, base)
    columns = 1 if exclusive else len(base)
    likely, tried, held = np.zeros((len(SHARES), columns)), [], heldout(model)
    for n, share in enumerate(SHARES):
        flat = looks(share, MISLED, base)
        for one in held:
            column = np.zeros_like(one.category) if exclusive else one.category
            likely[n] += np.bincount(column, one.read(flat).foretold(flat, model.even()), minlength=columns)
        tried.append(known.misled(flat) if known else flat)
        likely[n] += known.likely(tried[n]) if known else 0
    n = np.argmax(likely.sum(axis=1) + _beforehand(TORN))
    if exclusive:
        return tried[n]
    best = np.argmax(likely + _beforehand(SHARES[n])[:, None], axis=0)
    return Looks(*(np.stack([one[at][column] for column, at in enumerate(best)]) for one in zip(*tried, strict=True)))


def spread(model):
    """How frequent (..., K) is what an item may pass for. As may be where categories are exclusive: there people's
    errors go anywhere."""
    return np.full(model.width(), 1 / max(model.width(), 1)) if model.exclusive else sides(model.base_)


def _beforehand(usual):
    return -RELUCTANCE * np.log2(np.array(SHARES) / usual) ** 2


class Known:
    """What is known beforehand and was judged, with what people alone make of it."""

    def __init__(self, model, gold, base):
        item, category, value = (np.asarray(column) for column in gold)
        judged = model.judgments_[item, 0 if model.exclusive else category] > 0
        judged &= (value > 0.5) | (not model.exclusive)
        item, category, value = item[judged], category[judged], value[judged]
        unit = item if model.exclusive else item * model.log_.shape[1] + category
        units, at = np.unique(unit, return_inverse=True)
        self.raw, self.torn = (one[at] for one in sums(model, units))
        self.column = np.zeros_like(item) if model.exclusive else category
        self.truth = category if model.exclusive else (value > 0.5).astype(int)
        self.base, self.even = base.reshape(-1, base.shape[-1]), model.prior_at(unit, model.even())

    def misled(self, flat):
        """The Looks `flat` with what known truth tells of items that look wholly like another category."""
        half = flat.half.reshape(*self.base.shape, -1)
        free, share = 1 - half.sum(axis=-1, keepdims=True), MISLED
        whole = free * passing(share, self.base)
        for _ in range(STEPS):
            like, torn = self._weights(Looks(half, whole))
            counts = np.zeros(whole.shape)
            np.add.at(counts, (self.column, self.truth), like / (like.sum(axis=1) + torn.sum(axis=1))[:, None])
            away = counts.sum() - np.trace(counts, axis1=1, axis2=2).sum()
            share = (away + ALL * MISLED) / (counts.sum() + ALL)
            whole = counts + ROW * passing(share, self.base)
            whole *= free / whole.sum(axis=-1, keepdims=True)
        return Looks(flat.half, whole.reshape(flat.half.shape))

    def likely(self, found):
        """Log-probability (columns,) of what is known, under the Looks `found`."""
        found = self._each(Looks(*(one.reshape(*self.base.shape, -1) for one in found)))
        truth = posterior(evidence(self.raw, self.torn, found), self.even, True)
        logs = np.log(truth[np.arange(len(truth)), self.truth])
        return np.bincount(self.column, logs, minlength=len(self.base))

    def _weights(self, found):
        at = np.arange(len(self.truth)), self.truth
        return [one[at] for one in weights(self.raw, self.torn, 1.0, self._each(found))[:2]]

    def _each(self, found):
        return Looks(*(one[self.column] for one in found))
