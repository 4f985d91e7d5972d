"""The way to a good boundary: from the supervised start, in stages on a sample of the rows, then corrected by all.

Descending at once to the last stage's objective, which is not convex, ends in a poor optimum near the start.
"""

import numpy as np

from segmentation.objective import Objective, Preconditioner, descend, softmax
from segmentation.rows import Rows, blocks, drawn

FIRST_STAGE = 0.01  # the unlabeled rows' cost at the first stage, as a share of that at the last
HOLD = 4.0  # of the shares: with less a category may vanish, with more a guessed share does harm
SAMPLE = 16384  # rows, of those that tell something and of the others, on which the boundaries turn
START = 50  # most steps to the supervised start
BEND = 0.25  # largest second derivative of a logistic loss


class Annealing:
    """One separation: all rows, a sample of them, and the descents.

    Parameters
    ----------
    X : (n, d)
    told, logs : (m,) places of the rows that tell something, and (C, m) the logarithms of their likelihoods.
    weight : (n,)
    cost, open_cost : of a row of weight 1, for what it tells and for its doubt.
    share : (C,) first guess of the categories' shares.
    """

    def __init__(self, X, told, logs, weight, cost, open_cost, share):
        self.told, self.logs, self.weight = told, logs, weight.astype(np.float32)
        self.cost, self.open_cost, self.share = np.float32(cost), np.float32(open_cost), share.astype(np.float32)
        self.silent = self.weight.copy()
        self.silent[told] = 0
        random = np.random.RandomState(0)  # any sample does; the same rows give the same boundaries
        at, each_told = drawn(np.arange(len(told)), SAMPLE, random)
        others, each_other = drawn(np.flatnonzero(self.silent), SAMPLE, random)
        places = np.concatenate([told[at], others])
        self.whole = each_told == each_other == 1
        self.standing = self.weight[places] * np.repeat(np.float32([each_told, each_other]), [len(at), len(others)])
        self.rows = Rows(X, places, self.standing)
        self.sample = self._objective(self.rows.take(places), logs[:, at], self.standing)

    def _objective(self, Z, logs, weight):
        cost = self.cost * weight[: logs.shape[1]]
        return Objective(Z, logs, cost, self.open_cost * weight, self.share, HOLD)

    def start(self):
        """The supervised solution, (C, e)."""
        m = len(self.sample.cost)
        labeled = self._objective(self.sample.Z[:m], self.sample.logs, self.standing[:m])
        W = np.zeros((len(self.share), labeled.Z.shape[1]), np.float32)
        return descend(labeled, W, 0.0, Preconditioner(labeled.Z, labeled.cost), BEND, START)

    def seen_from(self, W):
        """(C,) shares of the categories as W sees them in the sample."""
        return softmax(self.sample.scores(W))[1] @ self.standing / self.standing.sum()

    def anneal(self, W, share, stages, rounds, passes):
        """From the start W to the last stage, the categories' shares being held to `share`: (C, e)."""
        self.share = self.sample.share = share.astype(np.float32)
        sample, precondition = self.sample, Preconditioner(self.sample.Z, self.standing)
        told, doubt = sample.cost.sum() / self.standing.sum(), sample.total / self.standing.sum()
        for growth in np.geomspace(FIRST_STAGE, 1.0, stages).tolist() if stages > 1 else [1.0]:
            W = descend(sample, W, growth, precondition, BEND * (told + growth * doubt), rounds)
        for _ in range(0 if self.whole else passes):
            sample.tilt = np.float32(0)
            sample.tilt = self._gradient(W) - sample.gradient(W, sample.at(W, sample.scores(W), 1.0)[1])
            W = descend(sample, W, 1.0, precondition, BEND * (told + doubt), rounds)
        return W

    def _parts(self):
        """The objectives of all rows, a block at a time."""
        nothing = self.logs[:, :0]
        for block in blocks(len(self.silent)):
            yield self._objective(self.rows.take(block), nothing, self.silent[block])
        for block in blocks(len(self.told)):
            told = self.told[block]
            yield self._objective(self.rows.take(told), self.logs[:, block], self.weight[told])

    def _gradient(self, W):
        """Of the last stage's objective over all rows: (C, e)."""
        seen = sum(part.doubt(part.scores(W))[1] @ part.open_cost for part in self._parts())
        mean = np.maximum(seen / seen.sum(), np.finfo(np.float32).tiny)
        return self.sample.ridge * W + sum(part.pull_at(part.scores(W), mean) @ part.Z for part in self._parts())
