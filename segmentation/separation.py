"""Transductive support vector machine: linear boundaries that agree with the labels and keep away from all rows.

All categories are separated in one solve. Margins are log-odds: their softmax is the probability.
"""

from functools import cache

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data
from threadpoolctl import ThreadpoolController

from segmentation import degrees
from segmentation.annealing import Annealing
from segmentation.objective import softmax
from segmentation.rows import blocks

UNLIKELY = 1e-6  # least likelihood


class TransductiveSVM(ClassifierMixin, BaseEstimator):
    """Linear transductive SVM, all categories in one solve, with probabilities.

    The smooth form of the multi-class TSVM. It minimises |W|^2 / 2 + C sum loss(labeled) + c (sum entropy(unlabeled) +
    hold n KL(shares || mean probability)): the multinomial loss stands for the hinge and the entropy for the hinge of
    |f|, its twin on unlabeled rows; both push rows out of the margin. The last term is the balance constraint, without
    which all unlabeled rows may fall on the same side. A partly known row ("not the third") tells what its likelihood
    tells, and its doubt is that among what is left.

    The unlabeled rows' cost c grows in stages from the supervised start. That happens on a sample of the rows; passes
    over all of them then correct it, so that time is linear in the rows with a small factor.

    Parameters
    ----------
    C : cost of a labeled row. Rows are centred and scaled to a mean squared norm of one, so that the same C serves raw
        features and embeddings.
    C_unlabeled : cost of all unlabeled rows together at the last stage, as a multiple of that of all labeled ones; one
        unlabeled row never costs more than a labeled one.
    balance : (C,) shares of the categories among all rows. Default: those that the supervised start sees, since labels
        are often drawn category by category.
    stages : the unlabeled rows' cost grows in so many steps; early, few rows decide and the boundary can still turn.
    rounds : steps of the descent in a stage.
    passes : corrections by a pass over all rows, where these are more than the sample.

    Attributes
    ----------
    classes_ : (C,)
    coef_, intercept_ : (C, d) and (C,), of the margins f. A class that no row speaks for has no boundary but its share.
    shares_ : (C,) what the categories' shares were held to.
    transduction_ : (n, C) probabilities of the fitted rows; a row's own label is not put into them.

    References
    ----------
    Chapelle, Zien 2005, "Semi-supervised classification by low density separation", AISTATS (descent in the primal,
    annealing, balance). Grandvalet, Bengio 2005, "Semi-supervised learning by entropy minimization", NIPS. Krause,
    Perona, Gomes 2010, "Discriminative clustering by regularized information maximization", NIPS (balance as a
    divergence). Shamir, Srebro, Zhang 2014, "Communication-efficient distributed optimization using an approximate
    Newton-type method", ICML (the correction).
    """

    def __init__(self, C=10.0, C_unlabeled=3.0, balance=None, stages=6, rounds=5, passes=1):
        self.C = C
        self.C_unlabeled = C_unlabeled
        self.balance = balance
        self.stages = stages
        self.rounds = rounds
        self.passes = passes

    def fit(self, X, y, sample_weight=None):
        """X (n, d) finite; y (n,) with -1 unlabeled, or (n, C) likelihoods in [0, 1], all ones unlabeled.

        ValueError where X or y is malformed: what, where, what to do.
        """
        told, targets, self.classes_ = what_is_told(y)
        X = validate_data(self, X, dtype=(np.float64, np.float32))
        check_consistent_length(X, y)
        weight = checked_weight(sample_weight, X.shape[0])
        told, targets = told[weight[told] > 0], targets[weight[told] > 0]
        with threads().limit(limits=1):  # in many small products several threads mostly wait for each other
            self._separate(X, told, targets, weight)
        self.transduction_ = self.predict_proba(X)
        return self

    def _separate(self, X, told, targets, weight):
        share = self._shares(targets, weight[told])
        seen = spoken_for(targets) & degrees.tell_apart(targets)
        self.coef_, self.intercept_ = np.zeros((len(share), X.shape[1])), np.log(share)
        self.shares_, self.unseen_ = share, ~seen
        if not seen.any():
            return
        among = share[seen].sum()
        work = Annealing(X, told, *self._terms(targets[:, seen], weight, told), share[seen] / among)
        W = work.start()
        if self.balance is None:
            share[seen] = among * work.seen_from(W)
        W = work.anneal(W, share[seen] / among, self.stages, self.rounds, self.passes)
        self.coef_[seen] = W[:, :-1] / work.rows.size
        self.intercept_[seen] = W[:, -1] - self.coef_[seen] @ work.rows.center

    def _terms(self, targets, weight, told):
        """Logarithms of the likelihoods, weights, and the costs of a row of weight 1 as labeled and as unlabeled."""
        targets = np.maximum(targets / targets.max(axis=1, keepdims=True), UNLIKELY)
        known = weight[told] @ information(targets)
        unknown = max(weight.sum() - known, 1e-9)
        return np.log(targets).T, weight, self.C, min(self.C, self.C_unlabeled * self.C * known / unknown)

    def _shares(self, targets, weight):
        if self.balance is None:
            return degrees.shares(targets, weight)
        share = np.asarray(self.balance, dtype=float)
        if share.shape != (targets.shape[1],) or not (share > 0).all():
            raise ValueError(f"balance is {self.balance!r}; give {targets.shape[1]} shares above 0, one per class.")
        return share / share.sum()

    def margins(self, X):
        """f of each row and category: (n, d) -> (n, C)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        with threads().limit(limits=1):
            return X @ self.coef_.T.astype(X.dtype) + self.intercept_.astype(X.dtype)

    def predict_proba(self, X):
        """(n, d) -> (n, C), rows sum to one."""
        F = self.margins(X)
        if self.unseen_.all():
            return np.tile(self.shares_, (len(F), 1))
        known = ~self.unseen_
        for block in blocks(len(F)):
            p = softmax(np.ascontiguousarray(F[block, known].T))[1]
            F[block, known] = (p * (1 - self.shares_[self.unseen_].sum())).T
            F[block, self.unseen_] = self.shares_[self.unseen_]
        return F

    def predict(self, X):
        """(n, d) -> (n,) labels."""
        return degrees.decided(self.predict_proba(X), self.classes_, exclusive=True)


@cache
def threads():
    """Looking for the libraries that have threads takes longer than a small solve."""
    return ThreadpoolController()


def what_is_told(y):
    """Places (m,) of the rows that tell something, their targets (m, C), and the classes."""
    y = y if y is None else np.asarray(y)
    if y is None or y.ndim != 1:
        targets, classes = degrees.to_targets(y)
        told = np.flatnonzero(degrees.speaks(targets))
        return told, targets[told], classes
    told = np.flatnonzero(y != (str(degrees.UNLABELED) if y.dtype.kind in "US" else degrees.UNLABELED))
    return told, *degrees.to_targets(y[told] if len(told) else y)


def checked_weight(sample_weight, n):
    return np.ones(n) if sample_weight is None else degrees.checked_weight(sample_weight, np.empty((n, 1)))[:, 0]


def spoken_for(targets):
    """Classes (C,) that some row of targets (m, C) says are likelier than an even share."""
    return (degrees.evidence(targets) > (1 + 1e-6) / targets.shape[1]).any(axis=0)


def information(targets):
    """How much each row tells, from 0 (nothing) to 1 (its class): (m,)."""
    p = degrees.evidence(targets)
    return 1 + np.where(p > 0, p * np.log(np.maximum(p, UNLIKELY)), 0).sum(axis=1) / np.log(p.shape[1])
