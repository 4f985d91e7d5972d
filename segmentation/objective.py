"""What a transductive separation minimises over rows, and the descent that does it for all categories at once.

Scores lie as (C, n), categories by rows, so that sums over categories run along contiguous memory.
"""

import numpy as np

FLOOR = 1e-30  # below this a number is nothing
LOOSE = 1e-3  # ridge of the constant column, whose coefficient is an intercept
BACK = 0.3  # a step that went too far is shortened to this share of itself
ENOUGH = 1e-4  # Armijo's share of the decrease that the slope promises
ROUNDING = 1e-6  # relative error of a value summed in float32


class Objective:
    """J(W) = |W|^2 / 2 + told + growth (doubt + imbalance), of the scores F = W Z'.

    Let p be the softmax of a row's scores and q what remains of p once its likelihood t is known. Told: cost times
    -log sum_c t_c p_c, the multinomial loss where one t is 1. Doubt: open_cost times the entropy of q, little where
    rows keep away from boundaries. Imbalance: the total open_cost times hold KL(share || mean q); without it all rows
    may fall on the same side.

    Parameters
    ----------
    Z : (n, e) float32 rows with a last column of ones; those that tell something come first.
    logs : (C, m) log t of the first m rows; the others' are zero.
    cost, open_cost : (m,) and (n,) float32.
    share : (C,) of the categories among all rows.
    hold : how strongly the shares are held.

    Attributes
    ----------
    tilt : (C, e) of a further linear term <tilt, W>; at first 0.
    """

    def __init__(self, Z, logs, cost, open_cost, share, hold):
        self.Z, self.logs, self.cost, self.open_cost = Z, logs, cost, open_cost
        self.share, self.hold, self.tilt = share, hold, np.float32(0)
        self.total = max(float(open_cost.sum()), FLOOR)
        self.ridge = np.append(np.ones(Z.shape[1] - 1, np.float32), np.float32(LOOSE))

    def scores(self, W):
        return W @ self.Z.T

    def at(self, W, F, growth):
        """J, dJ/dF (C, n), and what `bend` needs."""
        value, known, p, after = self._told(F)
        if growth:
            entropy, q, lean = self.doubt(F)
            mean = self.mean(q)
            pull = growth * self.pull(q, lean, mean)
            imbalance = self.hold * self.total * float(self.share @ np.log(self.share / mean))
            value += growth * (float(self.open_cost @ entropy) + imbalance)
            pull[:, : known.shape[1]] += known
        else:
            q = lean = None
            pull = np.zeros_like(F)
            pull[:, : known.shape[1]] = known
        value += 0.5 * float((self.ridge * W * W).sum()) + float((self.tilt * W).sum())
        return value, pull, (p, after, q, lean)

    def _told(self, F):
        F = F[:, : len(self.cost)]
        before, p = softmax(F)
        after, q = softmax(F + self.logs)
        return float(self.cost @ (before - after)), self.cost * (p - q), p, q

    def doubt(self, F):
        """Entropy of each row (n,), q (C, n), and minus the entropy's derivative by F (C, n)."""
        m = len(self.cost)
        if m:
            F = F.copy()
            F[:, :m] += self.logs
        total, q = softmax(F)
        middle = (q * F).sum(0)
        return total - middle, q, q * (F - middle)

    def mean(self, q):
        return np.maximum(q @ self.open_cost / self.total, FLOOR)

    def pull(self, q, lean, mean):
        """Derivative by F of doubt and imbalance, `mean` being that of q over all rows there are: (C, n)."""
        gain = q * (self.hold * self.share / mean)[:, None]
        gain -= q * gain.sum(0)
        gain += lean
        gain *= -self.open_cost
        return gain

    def pull_at(self, F, mean):
        """dJ/dF at the last stage where the rows are only some of those whose q has this mean: (C, n)."""
        _, q, lean = self.doubt(F)
        pull = self.pull(q, lean, mean)
        pull[:, : len(self.cost)] += self._told(F)[1]
        return pull

    def gradient(self, W, pull):
        return pull @ self.Z + self.ridge * W + self.tilt

    def bend(self, D, E, state, growth):
        """Second derivative of J along D, E = scores(D); rows that bend downwards count as straight."""
        p, after, q, lean = state
        e = E[:, : len(self.cost)]
        bent = float(self.cost @ np.maximum(spread(p, e) - spread(after, e), 0))
        if growth:
            square, inside = E * E, (q * E).sum(0)
            entropy = (2 * (lean * E).sum(0) + inside) * inside - ((lean + q) * square).sum(0)
            bent += growth * float(self.open_cost @ np.maximum(entropy, 0))
        return bent + float((self.ridge * D * D).sum())


def softmax(F):
    """(C, n) -> log of the summed exponentials (n,), and the shares (C, n)."""
    top = F.max(0)
    p = np.exp(F - top)
    total = p.sum(0)
    p /= total
    return top + np.log(total), p


def spread(p, e):
    """Variance of e under p, of each row: (n,)."""
    middle = (p * e).sum(0)
    return (p * e * e).sum(0) - middle * middle


class Preconditioner:
    """(I + h Z' diag(weight) Z)^-1 for any h, from one eigendecomposition that all categories and stages share."""

    def __init__(self, Z, weight):
        values, self.vectors = np.linalg.eigh((Z * weight[:, None]).T @ Z)
        self.values = np.maximum(values, 0)

    def __call__(self, G, h):
        return (G @ self.vectors) / (1 + np.float32(h) * self.values) @ self.vectors.T


def descend(objective, W, growth, precondition, h, steps, tolerance=1e-4):
    """W (C, e) after at most `steps` of preconditioned conjugate gradients (Polak, Ribiere).

    A step is Newton's along the line. Scores are linear in it, so that trying a shorter one needs no product.
    """
    F = objective.scores(W)
    value, pull, state = objective.at(W, F, growth)
    D, before = None, None
    for _ in range(steps):
        G = objective.gradient(W, pull)
        P = precondition(G, h)
        size = float((G * P).sum())
        if size <= tolerance**2 * max(abs(value), FLOOR):
            break
        D = direction(D, G, P, before)
        before = G, size
        E, slope = objective.scores(D), float((D * G).sum())
        length = -slope / max(objective.bend(D, E, state, growth), FLOOR)
        found = objective.at(W + length * D, F + length * E, growth)
        while found[0] > value + ENOUGH * length * slope + ROUNDING * abs(value):
            length *= BACK
            if length * -slope < ROUNDING * abs(value):  # rounding hides any further descent
                return W
            found = objective.at(W + length * D, F + length * E, growth)
        W, F, (value, pull, state) = W + length * D, F + length * E, found
    return W


def direction(D, G, P, before):
    """Conjugate to the last direction D where that descends, else the steepest."""
    if D is None:
        return -P
    G_before, size_before = before
    D = max(float(((G - G_before) * P).sum()) / max(size_before, FLOOR), 0.0) * D - P
    return D if float((D * G).sum()) < 0 else -P
