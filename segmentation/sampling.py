"""A sample of the rows that stands for all of them, the same whichever processes hold them."""

import numpy as np
from scipy import sparse

SAMPLE = 16384  # rows, of those that tell something and of the others
FEW = 64  # rows of a category that the sample always has room for


class Crowd:
    """The rows of this process.

    Parameters
    ----------
    X : (n, d)
    told, targets : (m,) places, sorted, of the rows that tell something, and (m, C) what they tell.
    weight : (n,), above 0 where told.
    together : `segmentation.distributed.Alone` or `Processes`.
    """

    def __init__(self, X, told, targets, weight, together):
        self.X, self.told, self.targets, self.weight, self.together = X, told, targets, weight, together
        self.silent = weight.astype(np.float32)
        self.silent[told] = 0

    def sample(self):
        """All processes' rows that were drawn."""
        mine = self.targets.argmax(axis=1)
        categories = self.targets.shape[1]
        room = [max(SAMPLE // categories, FEW)] * categories + [SAMPLE]
        lists = [np.flatnonzero(mine == k) for k in range(categories)] + [np.flatnonzero(self.silent)]
        before, total = self.together.preceding(np.array([len(places) for places in lists]))
        picked = [drawn(*one) for one in zip(lists, before, total, room, strict=True)]
        order = np.argsort(np.concatenate([at for at, _ in picked[:-1]]))
        at = np.concatenate([at for at, _ in picked[:-1]])[order]
        each = np.concatenate([np.full(len(at), each) for at, each in picked[:-1]])[order]
        others, each_other = picked[-1]
        told = self.told[at]
        return Sample(
            self.together.joined(self.X[told]),
            self.together.joined(self.X[others]),
            self.together.joined(self.targets[at]),
            self.together.joined(self.weight[told] * each),
            self.together.joined(self.weight[others] * each_other),
            whole=bool((total <= room).all()),
        )


class Sample:
    """Rows X that tell something, then others; targets (m, C) of the former; weights (n,) by what they stand for."""

    def __init__(self, told, others, targets, told_weight, other_weight, whole):
        stacked = sparse.vstack([told, others], format="csr") if sparse.issparse(told) else np.vstack([told, others])
        self.X, self.targets, self.whole = stacked, targets, whole
        self.weight = np.concatenate([told_weight, other_weight])


def drawn(places, before, total, limit):
    """At most `limit` of all processes' places, one of each stretch of their list: mine, and how many each stands for.

    `before` of the `total` places belong to processes before this one.
    """
    if total <= limit:
        return places, 1.0
    edges = np.linspace(0, total, limit + 1)
    jitter = np.random.RandomState(0).uniform(size=limit)  # any sample does, but the same rows are to give the same
    chosen = (edges[:-1] + jitter * np.diff(edges)).astype(np.int64) - before
    return places[chosen[(chosen >= 0) & (chosen < len(places))]], total / limit
