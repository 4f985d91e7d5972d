"""The way to a good boundary: from the supervised start, in stages on a sample of the rows, then corrected by all.

Descending at once to the last stage's objective, which is not convex, ends in a poor optimum near the start.
"""

import numpy as np

from segmentation.objective import FLOOR, LOOSE, Objective, Preconditioner, descend, like, softmax
from segmentation.rows import Scale, slices

FIRST_STAGE = 0.01  # the unlabeled rows' cost at the first stage, as a share of that at the last
HOLD = 4.0  # of the shares: with less a category may vanish, with more a guessed share does harm
DRAWN = 0.75  # how far the labels' shares are put down to how labels were drawn rather than to the categories
START = 50  # most steps to the supervised start
BEND = 0.25  # largest second derivative of a logistic loss
UNLIKELY = 1e-6  # least likelihood


class Annealing:
    """One separation of the categories that somebody spoke for.

    Parameters
    ----------
    crowd, sample : `segmentation.sampling.Crowd`, with targets of these categories only, and what it drew.
    cost, open_cost : of a row of weight 1, for what it tells and for its doubt.
    share : (C,) of the categories among what was told.
    device : `segmentation.devices.Host` or `Device`.
    """

    def __init__(self, crowd, sample, cost, open_cost, share, device):
        self.crowd, self.device, self.whole = crowd, device, sample.whole
        self.cost, self.open_cost = cost, open_cost
        self.share = device.put(share)
        self.columns = sample.X.shape[1]
        self.ridge = device.put(np.append(np.ones(self.columns), LOOSE))
        self.scale = Scale(sample.X, sample.weight)
        self.weight = device.put(sample.weight)
        self.sample = self._objective(sample.X, sample.targets, sample.weight)

    def _objective(self, X, targets, weight):
        """Of some rows, the first of which tell `targets`."""
        weight = self.device.put(weight)
        cost = self.cost * weight[: len(targets)]
        logs = self.device.put(log_likelihoods(targets))
        rows = self.device.rows(self.scale.block(X))
        return Objective(rows, logs, cost, self.open_cost * weight, self.share, HOLD, self.ridge)

    def start(self):
        """The supervised solution, (C, d + 1)."""
        s, m = self.sample, len(self.sample.cost)
        rows = s.rows.first(m)
        labeled = Objective(rows, s.logs, s.cost, s.open_cost[:m], self.share, HOLD, self.ridge)
        W = self.device.put(np.zeros((len(self.share), self.columns + 1)))
        return descend(labeled, W, 0.0, Preconditioner(rows, s.cost, self.columns), BEND, START)

    def seen_from(self, W):
        """(C,) shares of the categories as the supervised solution W sees them in the sample, were they labeled alike.

        What makes one category likelier before a row is looked at was learned from how labels were drawn.
        """
        F = self.sample.rows.scores(W) - DRAWN * like(W).log(self.share)[:, None]
        share = self.device.get(softmax(F)[1] @ self.weight).astype(np.float64) + UNLIKELY
        return share / share.sum()

    def anneal(self, W, share, stages, rounds, passes):
        """From the start W to the last stage, the categories' shares being held to `share`.

        Returns coefficients (C, d) and intercepts (C,) for rows as they came.
        """
        self.share = self.sample.share = self.device.put(share)
        sample, precondition = self.sample, Preconditioner(self.sample.rows, self.weight, self.columns)
        told, doubt = float(sample.cost.sum() / self.weight.sum()), sample.total / float(self.weight.sum())
        for growth in np.geomspace(FIRST_STAGE, 1.0, stages).tolist() if stages > 1 else [1.0]:
            W = descend(sample, W, growth, precondition, BEND * (told + growth * doubt), rounds)
        for _ in range(0 if self.whole else passes):
            sample.tilt = 0.0
            F = sample.rows.scores(W)
            sample.tilt = self._gradient(W) - sample.gradient(W, sample.at(W, F, 1.0)[1])
            W = descend(sample, W, 1.0, precondition, BEND * (told + doubt), rounds)
        return self.scale.undone(self.crowd.together.first(self.device.get(W)))

    def _parts(self):
        """The objectives of all rows of this process, a block at a time."""
        crowd, nothing = self.crowd, np.ones((0, len(self.share)))
        for block in slices(len(crowd.silent), self.device.block):
            yield self._objective(crowd.X[block], nothing, crowd.silent[block])
        for block in slices(len(crowd.told), self.device.block):
            told = crowd.told[block]
            yield self._objective(crowd.X[told], crowd.targets[block], crowd.weight[told])

    def _gradient(self, W):
        """Of the last stage's objective over all rows of all processes: (C, d + 1)."""
        total, get, put = self.crowd.together.total, self.device.get, self.device.put
        seen = total(get(sum(part.seen(part.doubt(part.rows.scores(W))[1]) for part in self._parts())))
        mean = put(np.maximum(seen / max(seen.sum(), FLOOR), FLOOR))
        return put(total(get(sum(part.gradient_given(W, mean) for part in self._parts())))) + self.ridge * W


def log_likelihoods(targets):
    """(m, C) -> (C, m), the largest of a row being zero."""
    if not len(targets):
        return targets.T
    return np.log(np.maximum(targets / np.maximum(targets.max(axis=1, keepdims=True), UNLIKELY), UNLIKELY)).T
