"""Transductive support vector machine: linear boundaries that agree with the labels and keep away from all rows.

All categories are separated in one solve. Margins are log-odds: their softmax is the probability.
"""

from functools import cache

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data
from threadpoolctl import ThreadpoolController

from segmentation import degrees
from segmentation.annealing import UNLIKELY, Annealing
from segmentation.devices import Host, chosen
from segmentation.distributed import Alone, Processes
from segmentation.objective import softmax
from segmentation.rows import slices
from segmentation.sampling import Crowd


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
    balance : (C,) shares of the categories among all rows. Known ones are worth points of accuracy. Default: those
        that the supervised start sees, most of what it learned from the labels' shares being taken out, since labels
        are often drawn category by category.
    stages : the unlabeled rows' cost grows in so many steps; early, few rows decide and the boundary can still turn.
    rounds : steps of the descent in a stage.
    passes : corrections by a pass over all rows, where these are more than the sample.
    temperature : what margins are divided by at the end: to keep all rows out of the margin makes them too wide.
    device : torch's name of one, or None: an accelerator if this process has loaded torch, torch has one and the rows
        are many, else the CPU. Sparse rows stay on the CPU.
    distributed : X and y are this process's shard, a contiguous stretch of the rows in the order of the ranks of
        torch.distributed's default group; every process gets the same boundaries.

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

    def __init__(
        self,
        C=20.0,
        C_unlabeled=1.5,
        balance=None,
        stages=6,
        rounds=8,
        passes=1,
        temperature=1.4,
        device=None,
        distributed=False,
    ):
        self.C = C
        self.C_unlabeled = C_unlabeled
        self.balance = balance
        self.stages = stages
        self.rounds = rounds
        self.passes = passes
        self.temperature = temperature
        self.device = device
        self.distributed = distributed

    def fit(self, X, y, sample_weight=None):
        """X (n, d) finite, dense or sparse; y (n,) with -1 unlabeled, or (n, C) likelihoods, all ones unlabeled.

        ValueError where X or y is malformed: what, where, what to do.
        """
        together = Processes() if self.distributed else Alone()
        told, targets, self.classes_ = what_is_told(y, together)
        X = self._checked(X, reset=True)
        check_consistent_length(X, y)
        weight = checked_weight(sample_weight, X.shape[0])
        counts = weight[told] > 0
        with threads().limit(limits=1):  # in many small products several threads mostly wait for each other
            self._separate(Crowd(X, told[counts], targets[counts], weight, together))
            self.transduction_ = self._probabilities(X)
        return self

    def _separate(self, crowd):
        sample = crowd.sample()
        share = self._shares(sample.targets, sample.weight[: len(sample.targets)])
        seen = crowd.together.total(spoken_for(crowd.targets) * 1) > 0
        seen &= seen.sum() > 1 and degrees.tell_apart(sample.targets)
        self.coef_, self.intercept_ = np.zeros((len(share), crowd.X.shape[1])), np.log(share)
        self.shares_, self.unseen_ = share, ~seen
        if not seen.any():
            return
        crowd.targets, sample.targets = crowd.targets[:, seen], sample.targets[:, seen]
        among = share[seen].sum()
        device = chosen(self.device, crowd.X, seen.sum())
        work = Annealing(crowd, sample, *self._costs(crowd), share[seen] / among, device)
        W = work.start()
        if self.balance is None:
            share[seen] = among * work.seen_from(W)
        w, b = work.anneal(W, share[seen] / among, self.stages, self.rounds, self.passes)
        self.coef_[seen], self.intercept_[seen] = w / self.temperature, b / self.temperature

    def _costs(self, crowd):
        """Of a row of weight 1, labeled and unlabeled."""
        known = crowd.weight[crowd.told] @ information(crowd.targets)
        known, total = crowd.together.total(np.array([known, crowd.weight.sum()]))
        return self.C, float(min(self.C, self.C_unlabeled * self.C * known / max(total - known, 1e-9)))

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
        return self._margins(self._checked(X))

    def predict_proba(self, X):
        """(n, d) -> (n, C), rows sum to one."""
        check_is_fitted(self)
        return self._probabilities(self._checked(X))

    def predict(self, X):
        """(n, d) -> (n,) labels."""
        return degrees.decided(self.predict_proba(X), self.classes_, exclusive=True)

    def _checked(self, X, reset=False):
        X = validate_data(self, X, dtype=(np.float64, np.float32), accept_sparse="csr", reset=reset)
        return sparse.csr_array(X) if sparse.issparse(X) else X  # of scipy's two kinds the one that acts like an array

    def _margins(self, X):
        return X @ self.coef_.T.astype(X.dtype) + self.intercept_.astype(X.dtype)

    def _probabilities(self, X):
        found = np.empty((X.shape[0], len(self.classes_)), X.dtype)
        found[:] = self.shares_  # of the unseen there is nothing else to say
        known = ~self.unseen_
        for block in slices(len(found) if known.any() else 0, Host.block):
            F = np.ascontiguousarray(self._margins(X[block]).T)
            p = softmax(F if known.all() else F[known])[1]
            found[block, known] = (p * p.dtype.type(self.shares_[known].sum())).T
        return found

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@cache
def threads():
    """Looking for the libraries that have threads takes longer than a small solve."""
    return ThreadpoolController()


def what_is_told(y, together):
    """Places (m,) of the rows that tell something, their targets (m, C), and the classes, those of all processes."""
    y = y if y is None else np.asarray(y)
    if y is None or y.ndim != 1:
        targets, classes = degrees.to_targets(y)
        told = np.flatnonzero(degrees.speaks(targets))
        return told, targets[told], classes
    told = np.flatnonzero(y != (str(degrees.UNLABELED) if y.dtype.kind in "US" else degrees.UNLABELED))
    classes = np.unique(together.joined(y[told]))
    return told, *(degrees.to_targets(y[told], classes) if len(classes) else degrees.to_targets(y))


def checked_weight(sample_weight, n):
    return np.ones(n) if sample_weight is None else degrees.checked_weight(sample_weight, np.empty((n, 1)))[:, 0]


def spoken_for(targets):
    """Classes (C,) that some row of targets (m, C) says are likelier than an even share."""
    return (degrees.evidence(targets) > (1 + 1e-6) / targets.shape[1]).any(axis=0)


def information(targets):
    """How much each row tells, from 0 (nothing) to 1 (its class): (m,)."""
    p = degrees.evidence(targets)
    return 1 + np.where(p > 0, p * np.log(np.maximum(p, UNLIKELY)), 0).sum(axis=1) / np.log(p.shape[1])
