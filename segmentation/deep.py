"""Deep segmentation: learn an embedding from few labels, separate all rows in it, learn from that separation, repeat.

Algorithm 1 of US 2021/0142152 A1, readable from top to bottom in `DeepSegmentation._algorithm_1`.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from segmentation import artifacts, degrees, networks
from segmentation.networks import Averaged, Network, Trainer
from segmentation.scaling import Scaling
from segmentation.separation import TransductiveSVM


class DeepSegmentation(ClassifierMixin, TransformerMixin, BaseEstimator):
    """Semi-supervised classifier for few labels and many unlabeled rows.

    Parameters
    ----------
    exclusive : True: one category an item, rows of probabilities sum to one. False: a binary problem for each category.
    hidden : widths of f's two layers; the second is the embedding's.
    dropout : share of the first layer's outputs hidden while learning.
    tikhonov : strengths for the weights of f's two layers and of g, decreasing with depth: the first layer has the most
        weights for the fewest labels.
    smoothing : eps of the known targets, 1 - (C - 1) eps and eps.
    learning_rate, pretraining_epochs : of the supervised start. Longer or faster, the embedding collapses onto the few
        labels, and the separation finds nothing in it that the labels did not say.
    slowdown : the rate after the start as a share of that before; the patent's tenth.
    iterations, epochs : rounds of separating and learning; passes over the rows for each of the two losses in a round.
    batch_size : rows a step.
    decay : of the exponential moving average over the iterations, begun at the first one. Single iterations wander by a
        point of accuracy; a long memory has the better log-loss.
    C, C_unlabeled, balance : of `TransductiveSVM`; balance only where categories are exclusive.
    scaling : "auto", "columns" or "common", see `segmentation.scaling.Scaling`.
    progress : called as progress(fraction in [0, 1], message) while it fits.
    random_state : int, RandomState or None. The same int on the same machine gives the same result.

    Attributes
    ----------
    classes_ : (C,) labels; 0 .. C-1 where y was a matrix.
    transduction_ : (n, C) probabilities of the fitted rows, by the same networks as `predict_proba`.
    networks_ : the averaged networks of each problem: one, or one a category.

    Notes
    -----
    Rows that all say the same, or nothing, leave nothing to learn: each category then gets its share of what was said,
    with one imagined row of each added.

    References
    ----------
    US 2021/0142152 A1, Algorithm 1. Burkhart, Shan 2020, "Deep low-density separation for semi-supervised
    classification", ICCS.

    Examples
    --------
    >>> classifier = DeepSegmentation(random_state=0).fit(X, y)  # doctest: +SKIP
    >>> classifier.transduction_, classifier.predict_proba(X_new)  # doctest: +SKIP
    """

    def __init__(
        self,
        exclusive=True,
        hidden=(128, 32),
        dropout=0.5,
        tikhonov=(1e-2, 1e-3, 1e-4),
        smoothing=1e-3,
        learning_rate=3e-3,
        pretraining_epochs=50,
        slowdown=0.1,
        iterations=6,
        epochs=10,
        batch_size=64,
        decay=0.8,
        C=10.0,
        C_unlabeled=1.0,
        balance=None,
        scaling="auto",
        progress=None,
        random_state=None,
    ):
        self.exclusive = exclusive
        self.hidden = hidden
        self.dropout = dropout
        self.tikhonov = tikhonov
        self.smoothing = smoothing
        self.learning_rate = learning_rate
        self.pretraining_epochs = pretraining_epochs
        self.slowdown = slowdown
        self.iterations = iterations
        self.epochs = epochs
        self.batch_size = batch_size
        self.decay = decay
        self.C = C
        self.C_unlabeled = C_unlabeled
        self.balance = balance
        self.scaling = scaling
        self.progress = progress
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """Learn from all rows, labeled or not.

        Parameters
        ----------
        X : (n, d) finite numbers.
        y : (n,) labels, -1 where unlabeled. Or (n, C): exclusive, likelihoods in [0, 1] of what people said under each
            category (one-hot = known, all ones = unlabeled, "not the third" = ones but a small value there); not
            exclusive, probabilities that the degree is above the line, NaN or -1 where unknown.
        sample_weight : (n,), or (n, C) where not exclusive; of what is labeled.

        Raises
        ------
        ValueError : X holds something not finite, or y is malformed; says what, where and what to do.
        """
        self._check_parameters()
        targets, self.classes_ = degrees.to_targets(y, exclusive=self.exclusive)
        X = validate_data(self, X, dtype=(np.float32, np.float64))
        check_consistent_length(X, targets)
        weight = degrees.checked_weight(sample_weight, targets, self.exclusive)
        self.scaling_ = Scaling(self.scaling).fit(X)
        x = self.scaling_.transform(X)
        random = check_random_state(self.random_state)
        problems = degrees.problems(targets, weight, self.exclusive)
        self.networks_ = []
        for done, problem in enumerate(problems):
            with networks.alone(int(random.randint(2**31 - 1))):
                self.networks_.append(self._algorithm_1(x, *problem, self._reporter(done, len(problems))))
        self.transduction_ = self._probabilities(x)
        return self

    def _algorithm_1(self, x, targets, weight, report):
        """x (n, d) float32 scaled, targets (n, C), weight (n,) -> the networks of all iterations, averaged."""
        labeled = np.flatnonzero(degrees.speaks(targets) & (weight > 0))
        unlabeled = np.flatnonzero(~degrees.settled(targets))  # a partly known row is both
        network = Network(x.shape[1], targets.shape[1], self.hidden, self.dropout)
        if not degrees.tell_apart(targets[labeled]):
            return Averaged.constant(network, degrees.shares(targets, weight))
        known = labeled, targets[labeled], weight[labeled]

        # Train f and g on the labeled rows.
        trainer = Trainer(network, x, self.learning_rate, self.tikhonov, self.batch_size, self.smoothing)
        report(0.0, "learning from the labeled items")
        trainer.learn_known(*known, self.pretraining_epochs)

        # Then in turns, at a tenth of the learning rate:
        trainer.slow_down(self.slowdown)
        snapshots = []
        for iteration in range(self.iterations):
            report((1 + iteration) / (1 + self.iterations), f"iteration {iteration + 1} of {self.iterations}")
            # map all rows into the embedding and find there the boundaries that keep away from them,
            separation = TransductiveSVM(self.C, self.C_unlabeled, self.balance)
            separation.fit(trainer.embedding(), targets, weight)
            # give the unlabeled rows class probabilities anew (what is known of a row in part counts in its own),
            soft = degrees.posterior(targets[unlabeled], separation.transduction_[unlabeled])
            # learn from those, and again from the labeled rows.
            trainer.learn_soft(unlabeled, soft, self.epochs)
            trainer.learn_known(*known, self.epochs)
            snapshots.append(networks.snapshot(network))

        # The result is an exponential moving average of the predictions over the iterations.
        return Averaged.of(snapshots, self.decay)

    def predict_proba(self, X):
        """(n, d) -> (n, C); rows sum to one where categories are exclusive."""
        return self._probabilities(self._scaled(X))

    def predict(self, X):
        """(n, d) -> (n,) labels; (n, C) of 0 and 1 where categories are not exclusive."""
        return degrees.decided(self.predict_proba(X), self.classes_, self.exclusive)

    def transform(self, X):
        """The last networks' embedding f(x): (n, d) -> (n, e), side by side for categories that are not exclusive."""
        x = self._scaled(X)
        return np.hstack([network.embed(x) for network in self.networks_])

    def to_arrays(self):
        """What prediction needs, as named arrays without objects: np.savez(file, **classifier.to_arrays())."""
        check_is_fitted(self)
        return artifacts.packed(self, [network.arrays for network in self.networks_])

    @classmethod
    def from_arrays(cls, arrays):
        """A classifier that predicts as the one whose `to_arrays` these are; np.load(file) will do."""
        fitted, parts = artifacts.unpacked(cls(), arrays)
        fitted.networks_ = [Averaged(part) for part in parts]
        return fitted

    def _scaled(self, X):
        check_is_fitted(self)
        return self.scaling_.transform(validate_data(self, X, dtype=(np.float32, np.float64), reset=False))

    def _probabilities(self, x):
        return degrees.joined([network.probabilities(x) for network in self.networks_], self.exclusive)

    def _reporter(self, done, problems):
        def report(fraction, message):
            if self.progress is not None:
                of = "" if problems == 1 else f"category {done + 1} of {problems}: "
                self.progress((done + fraction) / problems, of + message)

        return report

    def _check_parameters(self):
        for name in ("iterations", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}; at least 1 is needed.")
        if not 0 <= self.decay < 1:
            raise ValueError(f"decay is {self.decay!r}; it lies in [0, 1).")
        if self.balance is not None and not self.exclusive:
            raise ValueError("balance gives shares of exclusive categories; leave it out where they are not exclusive.")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags
