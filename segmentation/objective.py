"""What a transductive separation minimises over rows, and the descent that does it for all categories at once.

Arrays are numpy's or torch's alike: all of one solve lie on one device.
"""

import sys

import numpy as np

FLOOR = 1e-30  # below this a number is nothing
LOOSE = 1e-3  # ridge of the intercepts
BACK = 0.3  # a step that went too far is shortened to this share of itself
ENOUGH = 1e-4  # Armijo's share of the decrease that the slope promises
ROUNDING = 1e-6  # relative error of a value summed in float32
WIDE = 512  # columns up to which all their products are worth their cost


class Objective:
    """J(W) = |W|^2 / 2 + told + growth (doubt + imbalance), of the scores F (C, n) of rows.

    Let p be the softmax of a row's scores and q what remains of p once its likelihood t is known. Told: cost times
    -log sum_c t_c p_c, the multinomial loss where one t is 1. Doubt: open_cost times the entropy of q, little where
    rows keep away from boundaries. Imbalance: the total open_cost times hold KL(share || mean q); without it all rows
    may fall on the same side.

    Parameters
    ----------
    rows : `segmentation.rows.Block`; those that tell something come first.
    logs : (C, m) log t of the first m rows; the others' are zero.
    cost, open_cost : (m,) and (n,).
    share : (C,) of the categories among all rows.
    hold : how strongly the shares are held.
    ridge : (d + 1,) of the columns.

    Attributes
    ----------
    tilt : (C, d + 1) of a further linear term <tilt, W>; at first 0.
    """

    def __init__(self, rows, logs, cost, open_cost, share, hold, ridge):
        self.rows, self.logs, self.cost, self.open_cost = rows, logs, cost, open_cost
        self.share, self.hold, self.ridge, self.tilt = share, hold, ridge, 0.0
        self.total = max(float(open_cost.sum()), FLOOR)

    def at(self, W, F, growth):
        """J, dJ/dF (C, n), and what `bend` needs."""
        value, known, *state = self._told(F)
        if growth:
            entropy, q, lean = self.doubt(F)
            mean = (self.seen(q) / self.total).clip(min=FLOOR)
            imbalance = self.hold * self.total * float((self.share * like(F).log(self.share / mean)).sum())
            value += growth * (float((self.open_cost * entropy).sum()) + imbalance)
            pull = growth * self.pull(q, lean, mean)
            state += [q, lean]
        else:
            pull = like(F).zeros_like(F)
        pull[:, : known.shape[1]] += known
        value += 0.5 * float((self.ridge * W * W).sum()) + float((self.tilt * W).sum())
        return value, pull, state

    def _told(self, F):
        F = F[:, : self.cost.shape[0]]
        before, p = softmax(F)
        after, q = softmax(F + self.logs)
        return float((self.cost * (before - after)).sum()), self.cost * (p - q), p, q

    def doubt(self, F):
        """Entropy of each row (n,), q (C, n), and minus the entropy's derivative by F (C, n)."""
        m = self.cost.shape[0]
        if m:
            F = F * 1
            F[:, :m] += self.logs
        total, q = softmax(F)
        middle = (q * F).sum(0)
        return total - middle, q, q * (F - middle)

    def seen(self, q):
        """How much of the open cost falls to each category: (C,)."""
        return q @ self.open_cost

    def pull(self, q, lean, mean):
        """Derivative by F of doubt and imbalance, `mean` being that of q over all rows there are: (C, n)."""
        gain = q * (self.hold * self.share / mean)[:, None]
        gain -= q * gain.sum(0)
        gain += lean
        gain *= -self.open_cost
        return gain

    def gradient_given(self, W, mean):
        """dJ/dW at the last stage but for ridge and tilt, where the rows are only some of those with this mean q."""
        F = self.rows.scores(W)
        _, q, lean = self.doubt(F)
        pull = self.pull(q, lean, mean)
        pull[:, : self.cost.shape[0]] += self._told(F)[1]
        return self.rows.sums(pull)

    def gradient(self, W, pull):
        return self.rows.sums(pull) + self.ridge * W + self.tilt

    def bend(self, D, E, state, growth):
        """Second derivative of J along D, E = scores(D); rows that bend downwards count as straight."""
        p, after = state[:2]
        e = E[:, : self.cost.shape[0]]
        bent = float((self.cost * (spread(p, e) - spread(after, e)).clip(min=0)).sum())
        if growth:
            q, lean = state[2:]
            square, inside = E * E, (q * E).sum(0)
            entropy = (2 * (lean * E).sum(0) + inside) * inside - ((lean + q) * square).sum(0)
            bent += growth * float((self.open_cost * entropy.clip(min=0)).sum())
        return bent + float((self.ridge * D * D).sum())


def like(array):
    """The module an array is of."""
    return np if isinstance(array, np.ndarray) else sys.modules["torch"]


def softmax(F):
    """(C, n) -> log of the summed exponentials (n,), and the shares (C, n)."""
    xp = like(F)
    top = xp.amax(F, 0)
    p = xp.exp(F - top)
    total = p.sum(0)
    p /= total
    return top + xp.log(total), p


def spread(p, e):
    """Variance of e under p, of each row: (n,)."""
    middle = (p * e).sum(0)
    return (p * e * e).sum(0) - middle * middle


class Preconditioner:
    """(I + h G)^-1 for any h, G being the weighted products of the rows' columns, of many only the diagonal.

    One decomposition serves all categories and stages.
    """

    def __init__(self, rows, weight, columns):
        self.vectors = None
        if columns <= WIDE:
            gram = rows.gram(weight)
            self.values, self.vectors = like(gram).linalg.eigh(gram)
            self.values = self.values.clip(min=0)
        else:
            self.values = rows.squares(weight)

    def __call__(self, G, h):
        if self.vectors is None:
            return G / (1 + h * self.values)
        return (G @ self.vectors) / (1 + h * self.values) @ self.vectors.T


def descend(objective, W, growth, precondition, h, steps, tolerance=1e-4):
    """W (C, d + 1) after at most `steps` of preconditioned conjugate gradients (Polak, Ribiere).

    A step is Newton's along the line. Scores are linear in it, so that trying a shorter one needs no product.
    """
    F = objective.rows.scores(W)
    value, pull, state = objective.at(W, F, growth)
    D, before = None, None
    for _ in range(steps):
        G = objective.gradient(W, pull)
        P = precondition(G, h)
        size = float((G * P).sum())
        if not tolerance**2 * max(abs(value), FLOOR) < size < np.inf:
            break
        D = direction(D, G, P, before)
        before = G, size
        E, slope = objective.rows.scores(D), float((D * G).sum())
        length = -slope / max(objective.bend(D, E, state, growth), FLOOR)
        found = objective.at(W + length * D, F + length * E, growth)
        while not found[0] <= value + ENOUGH * length * slope + ROUNDING * abs(value):  # nor where it overflowed
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
