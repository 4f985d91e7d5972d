"""The voices of the pool: seven ways to classify all rows from the few that are labeled, each right where others fail.

A candidate is a function of (rows, targets, weight, wanted, seed) to probabilities (len(wanted), C). None knows the
others, and none sees what a row says that its targets call unlabeled.
"""

from functools import cached_property

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

from segmentation import degrees
from segmentation.classical import Part
from segmentation.views import on_one_scale

TREES = 50
REACH = 0.9  # share that spreading hands on at each step
STEPS = 40
CROWD = 2000  # unlabeled rows that a separation looks at while it is weighed


class Rows:
    """What candidates look at: x (n, d) scaled, its views, and what several of them derive from these."""

    def __init__(self, x, views):
        self.x, self.views = x, views

    @cached_property
    def harmonics(self):
        return self.views.spectral * 8  # the norm at which C = 10 lets logistic regression be sure

    @cached_property
    def axes(self):
        """Principal axes, the strong ones half flattened."""
        spread = self.views.pca.std(axis=0)
        return on_one_scale(self.views.pca / np.sqrt(np.maximum(spread, 1e-6)))


def candidates(separation):
    """All of them by name; `separation` is the low-density separation algorithm, an unfitted estimator."""
    logistic, sharp = LogisticRegression(max_iter=300), LogisticRegression(C=10.0, max_iter=300)
    return {
        "logistic regression": supervised(logistic, lambda rows: rows.x),
        "extra trees": supervised(ExtraTreesClassifier(TREES), lambda rows: rows.x),
        "regression on the spectrum": supervised(sharp, lambda rows: rows.harmonics),
        "spreading to neighbours": spreading,
        "separation": separated(separation, lambda rows: rows.x),
        "separation on axes": separated(separation, lambda rows: rows.axes),
        "separation on the spectrum": separated(separation, lambda rows: rows.views.spectral),
    }


# Trusted before labels have judged them: the plain one, and the bold ones as far as they change their mind less than it
# when labels are hidden (`segmentation.pooling.trust`). Where classes overlap, neighbours and trees lose by more than
# they gain elsewhere, and where they gain, few labels are enough to show it.
PLAIN, BOLD = "logistic regression", ("separation", "separation on axes")


def supervised(estimator, look):
    """A candidate of a scikit-learn estimator that learns from labeled rows alone, seen through look(rows) (n, d)."""

    def candidate(rows, targets, weight, wanted, seed):
        X = look(rows)
        return Part.fit(seeded(estimator, seed), X, targets, weight).probabilities(X[wanted])

    return candidate


def seeded(estimator, seed):
    estimator = clone(estimator)
    return estimator.set_params(random_state=seed) if "random_state" in estimator.get_params() else estimator


def spreading(rows, targets, weight, wanted, seed):
    """Labels spread over the graph, each category with the same mass to give.

    Zhou, Bousquet, Lal, Weston, Schoelkopf 2003, "Learning with local and global consistency", NIPS.
    """
    source = (degrees.evidence(targets) * (degrees.speaks(targets) * weight)[:, None]).astype(np.float32)
    source /= np.maximum(source.sum(axis=0), 1e-12)
    spread = source
    for _ in range(STEPS):
        spread = REACH * (rows.views.graph @ spread) + (1 - REACH) * source
    found = spread[wanted].astype(np.float64) + 1e-12
    return found / found.sum(axis=1, keepdims=True)


def separated(separation, look):
    """A candidate that keeps its boundaries away from all rows, in the view look(rows) (n, d).

    Where few rows are wanted, to weigh it, it looks at a sample of the unlabeled ones.
    """

    def candidate(rows, targets, weight, wanted, seed):
        Z, seen = look(rows), slice(None)
        if len(wanted) < len(Z):
            silent = np.flatnonzero(~degrees.speaks(targets))
            sample = np.random.RandomState(seed).permutation(silent)[:CROWD]
            seen = np.concatenate([np.flatnonzero(degrees.speaks(targets)), np.sort(sample)])
        return seeded(separation, seed).fit(Z[seen], targets[seen], weight[seen]).predict_proba(Z[wanted])

    return candidate
