"""Transductive support vector machine: a linear boundary that agrees with the labels and keeps away from all rows.

One binary separation per category against the rest; margins are calibrated to probabilities and normalised.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from segmentation import degrees

CORNER = 0.5  # margin over which the hinge's corner is rounded (Chapelle 2007), so that Newton's method applies
FIRST_STAGE = 0.01  # the unlabeled rows' cost at the first stage, as a share of that at the last


class TransductiveSVM(ClassifierMixin, BaseEstimator):
    """Linear transductive SVM, each category against the rest, with probabilities.

    Minimises, per category, J = ||w||^2 / 2 + C sum hinge(y f) + C_unlabeled sum hinge(|f|) by the concave-convex
    procedure, under the balance constraint that the mean of f over all rows is what the category's share asks for:
    without one, all unlabeled rows may fall on the same side. A partly known row ("not the third") counts as labeled
    for the categories it speaks of and as unlabeled for the others.

    Parameters
    ----------
    C : cost of a labeled row inside the margin or beyond. Rows are centred and scaled to a mean squared norm of one, so
        that the same C serves raw features and embeddings.
    C_unlabeled : cost of an unlabeled row inside the margin, at the last stage.
    balance : (C,) shares of the categories among all rows. Default: their shares of what is labeled, plus one row each.
    stages : the unlabeled rows' cost grows in so many steps; early, few rows decide and the boundary can still turn.
    rounds : most convex problems solved in a stage.

    Attributes
    ----------
    classes_ : (C,)
    coef_, intercept_ : (C, d) and (C,), of the margins f.
    transduction_ : (n, C) probabilities of the fitted rows; a row's own label is not put into them.

    References
    ----------
    Collobert, Sinz, Weston, Bottou 2006, "Large scale transductive SVMs", JMLR 7. Chapelle, Zien 2005, "Semi-supervised
    classification by low density separation", AISTATS (balance). Platt 1999, "Probabilistic outputs for SVMs".
    """

    def __init__(self, C=10.0, C_unlabeled=1.0, balance=None, stages=6, rounds=10):
        self.C = C
        self.C_unlabeled = C_unlabeled
        self.balance = balance
        self.stages = stages
        self.rounds = rounds

    def fit(self, X, y, sample_weight=None):
        """X (n, d) finite; y (n,) with -1 unlabeled, or (n, C) likelihoods in [0, 1], all ones unlabeled.

        ValueError where X or y is malformed: what, where, what to do.
        """
        targets, self.classes_ = degrees.to_targets(y)
        X = validate_data(self, X, dtype=np.float64)
        check_consistent_length(X, targets)
        weight = degrees.checked_weight(sample_weight, targets)[:, 0]
        self._separate(X, targets, weight, self._shares(targets, weight))
        self.transduction_ = self.predict_proba(X)
        return self

    def _shares(self, targets, weight):
        if self.balance is None:
            return degrees.shares(targets, weight)
        share = np.asarray(self.balance, dtype=float)
        if share.shape != (targets.shape[1],) or not (share > 0).all():
            raise ValueError(f"balance is {self.balance!r}; give {targets.shape[1]} shares above 0, one per class.")
        return share / share.sum()

    def _separate(self, X, targets, weight, share):
        """One boundary per category; of two categories the second is the first one's mirror image."""
        center = X.mean(axis=0)
        size = np.sqrt(((X - center) ** 2).sum(axis=1).mean()) or 1.0
        Z = (X - center) / size
        weight = degrees.representative(targets, weight, share)
        leaning = degrees.leaning(targets) if degrees.tell_apart(targets) else np.zeros(targets.shape)
        alone = range(1 if len(share) == 2 else len(share))
        found = [self._boundary(Z, leaning[:, k], weight, share[k]) for k in alone]
        w, b, calibration = (np.array(part) for part in zip(*found, strict=True))
        if len(share) == 2:
            w, b, calibration = np.vstack([w, -w]), np.append(b, -b), np.vstack([calibration, calibration * [1, -1]])
        self.coef_, self.intercept_, self.calibration_ = w / size, b - w @ center / size, calibration

    def _boundary(self, Z, leaning, weight, share):
        """Of one category: w, b, and slope and offset of its probability, expit(slope f + offset)."""
        said = leaning[weight > 0]
        if not (said.max(initial=0) > 0 > said.min(initial=0)):  # nothing inside or nothing outside: only a share
            return np.zeros(Z.shape[1]), 0.0, (0.0, logit(min(share, 1 - 1e-9)))
        side, known = np.sign(leaning), np.abs(leaning)
        b = 2 * share - 1  # Z is centred, so this is the mean of f over all rows
        costs = self.C * known * weight, self.C_unlabeled * (1 - known) * weight
        w = separate(Z, b, side, *costs, self.stages, self.rounds)
        return w, b, calibrate(Z @ w + b, side, known * weight, share)

    def margins(self, X):
        """f of each row and category: (n, d) -> (n, C)."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_.T + self.intercept_

    def predict_proba(self, X):
        """(n, d) -> (n, C), rows sum to one."""
        margins = self.margins(X)
        slope, offset = self.calibration_.T
        p = np.maximum(expit(slope * margins + offset), 1e-12)
        return p / p.sum(axis=1, keepdims=True)

    def predict(self, X):
        """(n, d) -> (n,) labels."""
        return degrees.decided(self.predict_proba(X), self.classes_, exclusive=True)


def separate(Z, b, side, cost, open_cost, stages, rounds):
    """The binary core: w (d,) of f = Z w + b by the concave-convex procedure.

    Replace the concave part of each unlabeled row's loss by its tangent at the present f, solve, take the tangent anew,
    until no row changes side.

    Z (n, d) centred rows; side (n,) -1, 0, 1; cost, open_cost (n,) of a row as labeled and as unlabeled.
    """
    known = (side, 1.0, cost)
    w = minimise(Z, b, [known], np.zeros(Z.shape[1]))
    if not open_cost.any():
        return w
    for growth in np.geomspace(FIRST_STAGE, 1.0, stages) if stages > 1 else [1.0]:
        before = np.zeros(len(Z))
        for _ in range(rounds):
            now = np.where(Z @ w + b >= 0, 1.0, -1.0)
            if (now == before)[open_cost > 0].all():
                break
            w = minimise(Z, b, [known, *convexified(now, growth * open_cost)], w)
            before = now
    return w


def convexified(side, cost):
    """The unlabeled rows' loss with its concave part replaced by a tangent on their present side, as hinges.

    hinge(|f|) = hinge(f) + hinge(-f) - (1 + |f|); the last part is concave. With 1 + s f in its place, s being the
    side, there remains hinge(s f) + max(0, -1 - s f), which is convex and nowhere less than hinge(|f|).
    """
    return [(side, 1.0, cost), (side, -1.0, cost)]


def minimise(Z, b, hinges, w, tolerance=1e-3, steps=50):
    """argmin of ||w||^2 / 2 + sum of cost * max(0, reach - side f), f = Z w + b, by Newton's method with halved steps.

    hinges : [(side (n,), reach, cost (n,))]. Only rows on a rounded corner bend the objective, so a step costs little.
    """
    f = Z @ w + b
    value = objective(w, f, hinges)
    for _ in range(steps):
        pull = sum(-side * cost * np.clip((reach - side * f) / CORNER, 0, 1) for side, reach, cost in hinges)
        gradient = w + pull @ Z
        if np.linalg.norm(gradient) < tolerance * max(1.0, np.linalg.norm(w)):
            break
        step = -np.linalg.solve(curvature(Z, f, hinges), gradient)
        change, length, downhill = Z @ step, 1.0, 1e-4 * (gradient @ step)
        while (new := objective(w + length * step, f + length * change, hinges)) > value + length * downhill:
            length /= 2
            if length < 1e-8:  # rounding hides any further descent
                return w
        w, f, gain, value = w + length * step, f + length * change, value - new, new
        if gain < 1e-7 * max(1.0, value):
            break
    return w


def objective(w, f, hinges):
    return w @ w / 2 + sum(cost @ rounded_hinge(reach - side * f) for side, reach, cost in hinges)


def rounded_hinge(excess):
    corner = np.clip(excess, 0, CORNER)
    return corner * corner / (2 * CORNER) + np.maximum(excess - CORNER, 0)


def curvature(Z, f, hinges):
    bend = sum(cost * ((reach - side * f > 0) & (reach - side * f < CORNER)) for side, reach, cost in hinges) / CORNER
    rows = bend > 0
    return np.eye(Z.shape[1]) + (Z[rows] * bend[rows, None]).T @ Z[rows]


def calibrate(f, side, weight, share):
    """Platt's slope (at least 0) and offset of expit(slope f + offset), on the labeled rows' margins.

    These margins were trained on and look too good; Platt's targets, which imagine one more row on each side, keep the
    slope finite. (A fixed or a shrunken slope made the networks' log-loss worse.) The two sides weigh as the category's
    share has it: partly known rows tell far more often what an item is not.
    """
    rows = weight > 0
    f, side, weight = f[rows], side[rows], weight[rows]
    inside, outside = weight[side > 0].sum(), weight[side < 0].sum()
    wanted = np.where(side > 0, (inside + 1) / (inside + 2), 1 / (outside + 2))
    weight = weight * np.where(side > 0, share / inside, (1 - share) / outside) * (inside + outside)

    def loss(line):
        z = line[0] * f + line[1]
        error = weight * (expit(z) - wanted)
        value = -weight @ (wanted * log_expit(z) + (1 - wanted) * log_expit(-z))
        return value, np.array([error @ f, error.sum()])

    return minimize(loss, [2.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)]).x
