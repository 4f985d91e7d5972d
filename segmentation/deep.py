"""Deep segmentation: learn an embedding from few labels, separate all rows, learn from that separation.

`DeepSegmentation._algorithm_1` is Algorithm 1 of US 2021/0142152 A1, readable from top to bottom;
`DeepSegmentation._pooled` separates the rows in views made without labels and pools what it finds.
"""

import numpy as np
from sklearn.base import TransformerMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from segmentation import artifacts, degrees, networks, pool, pooling, views
from segmentation.candidates import Rows
from segmentation.estimating import Semisupervised
from segmentation.networks import Averaged, Network, Trainer
from segmentation.scaling import Scaling
from segmentation.separation import TransductiveSVM

PASSES = 16  # over all rows, for the network that learns from the pool
FEWEST, MOST = 300, 4000  # steps of that network: few rows need more passes, many do with fewer
KEPT = 0.1  # growth of the labeled set up to which a warm start trusts the pool's weights


class DeepSegmentation(TransformerMixin, Semisupervised):
    """Semi-supervised classifier for few labels and many unlabeled rows.

    Parameters
    ----------
    exclusive : True: one category an item, rows of probabilities sum to one. False: a binary problem for each category.
    method : "pooled": boundaries that keep away from all rows are sought in views that all rows make together without
        labels (principal axes, the spectrum of a neighbour graph) and pooled with four plainer classifiers by weights
        that hidden labels earn them; the network learns from the pool, and the two are averaged. "patent": Algorithm 1
        as published, which separates the rows in the network's own embedding.
    views : `segmentation.views.Views` of these rows, if they are at hand; they cost half of the time.
    init : start of the network's first layers: "glorot", or "autoencoder" (paragraph 50: a network that learned to give
        back the rows it was shown).
    separation : the low-density separation algorithm, an unfitted estimator that takes targets and unlabeled rows.
        Default: `TransductiveSVM()`.
    warm_start : a fit on the same rows keeps the views and goes on with the network; where few labels are new, the
        pool's weights are kept too.
    hidden : widths of f's two layers; the second is the embedding's.
    dropout : share of the first layer's outputs hidden while learning.
    tikhonov : strengths for the weights of f's two layers and of g, decreasing with depth: the first layer has the most
        weights for the fewest labels.
    smoothing : eps of the known targets, 1 - (C - 1) eps and eps.
    learning_rate : of the start.
    batch_size : rows a step.
    pretraining_epochs : of Algorithm 1's supervised start. Longer or faster, the embedding collapses onto the few
        labels, and the separation finds nothing in it that the labels did not say.
    slowdown : the rate after that start as a share of the rate before; the patent's tenth.
    iterations, epochs : Algorithm 1's rounds of separating and learning; passes over the rows for each of the two
        losses in a round.
    decay : of the exponential moving average over Algorithm 1's iterations, begun at the first one. Single iterations
        wander by a point of accuracy; a long memory has the better log-loss.
    scaling : "auto", "columns" or "common", see `segmentation.scaling.Scaling`.
    progress : called as progress(fraction in [0, 1], message) while it fits.
    random_state : int, RandomState or None. The same int on the same machine gives the same result.

    Attributes
    ----------
    classes_ : (C,) labels; 0 .. C-1 where y was a matrix.
    transduction_ : (n, C) probabilities of the fitted rows. By the pool and the network together, better than
        `predict_proba`, which has the network alone; the same as it under "patent".
    networks_ : the averaged networks of each problem: one, or one a category.
    weights_ : {candidate: weight} in the pool of each problem, one, or one a category; empty under "patent".
    views_ : the views of the fitted rows; None under "patent".

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
        method="pooled",
        views=None,
        init="glorot",
        separation=None,
        warm_start=False,
        hidden=(128, 32),
        dropout=0.5,
        tikhonov=(1e-2, 1e-3, 1e-4),
        smoothing=1e-3,
        learning_rate=3e-3,
        batch_size=128,
        pretraining_epochs=50,
        slowdown=0.1,
        iterations=6,
        epochs=10,
        decay=0.8,
        scaling="auto",
        progress=None,
        random_state=None,
    ):
        self.exclusive = exclusive
        self.method = method
        self.views = views
        self.init = init
        self.separation = separation
        self.warm_start = warm_start
        self.hidden = hidden
        self.dropout = dropout
        self.tikhonov = tikhonov
        self.smoothing = smoothing
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.pretraining_epochs = pretraining_epochs
        self.slowdown = slowdown
        self.iterations = iterations
        self.epochs = epochs
        self.decay = decay
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
        X, targets, weight = self._told(X, y, sample_weight)
        self.scaling_ = Scaling(self.scaling).fit(X)
        x = self.scaling_.transform(X)
        problems = degrees.problems(targets, weight, self.exclusive)
        random = check_random_state(self.random_state)
        before = self._look(x, targets.shape[1], random)
        found = []
        for done, problem in enumerate(problems):
            report, seed = self._reporter(done, len(problems)), int(random.randint(2**31 - 1))
            with networks.alone(seed):
                if self.method == "patent":
                    found.append(self._algorithm_1(x, *problem, report))
                else:
                    found.append(self._pooled(x, *problem, report, np.random.RandomState(seed), before[done]))
        self.networks_, said, self.weights_, self.known_ = (list(part) for part in zip(*found, strict=True))
        self.transduction_ = degrees.joined(said, self.exclusive)
        return self

    def _look(self, x, categories, random):
        """Prepare the views, or keep those there are; what the fit before found of each problem, None without one."""
        none = [None] * categories
        if self.method == "patent":
            self.views_ = None
            return none
        same = self.warm_start and getattr(self, "rows_", None) is not None and np.array_equal(self.rows_, x)
        same = same and self.transduction_.shape[1] == categories
        looked = self.views_ if same else self.views
        if looked is None:
            self._reporter(0, 1)(0.0, "looking at all items")
            with networks.alone(0):
                looked = views.prepare(x, random_state=random)
        check_consistent_length(x, looked.pca)
        before = list(zip(self.networks_, self.weights_, self.known_, strict=True)) if same else none
        self.rows_, self.views_ = (x if self.warm_start else None), looked
        return before

    def _pooled(self, x, targets, weight, report, random, before):
        """x (n, d) float32 scaled, targets (n, C), weight (n,) -> network, probabilities, weights, rows known."""
        known = np.flatnonzero(degrees.speaks(targets) & (weight > 0))
        network = Network(x.shape[1], targets.shape[1], self.hidden, self.dropout)
        if not degrees.tell_apart(targets[known]):
            constant = Averaged.constant(network, degrees.shares(targets, weight))
            return constant, constant.probabilities(x), {}, len(known)
        of_old, weights, many = before or (None, {}, 0)
        if not weights or len(known) > (1 + KEPT) * many:
            weights = None

        # Hear what all candidates say of all rows together,
        rows = Rows(x, self.views_)
        said, weights = pool.speak(
            rows,
            targets,
            weight,
            self._separation(),
            random,
            lambda done, what: report(0.1 + 0.6 * done, what),
            weights,
        )
        # let the network learn that, and what is known, from all rows,
        report(0.7, "learning from all items")
        network = self._imitate(network, x, degrees.posterior(targets, said), weight, known, of_old)
        # and hear both: the network smooths what it learned from.
        both = pooling.pooled([said, network.probabilities(x)], [0.5, 0.5])
        return network, both, weights, len(known)

    def _imitate(self, network, x, probabilities, weight, known, before):
        """The network after it has learned from probabilities (n, C) of all rows, known ones weighted, as Averaged."""
        passes = self._passes(x)
        if before is not None:
            network.resume({name: part[-1] for name, part in before.arrays.items() if name != "weight"})
            passes = 1 + passes // 4
        trainer = self._trainer(network, x, fresh=before is None)
        say = np.ones(len(x))
        say[known] = weight[known] / weight[known].mean()
        trainer.imitate(probabilities, say, passes)
        return Averaged.of([networks.snapshot(network)], decay=0.0)

    def _trainer(self, network, x, fresh=True):
        trainer = Trainer(network, x, self.learning_rate, self.tikhonov, self.batch_size, self.smoothing)
        if fresh and self.init == "autoencoder":
            trainer.reconstruct(self._passes(x))
        return trainer

    def _passes(self, x):
        """Over the rows, for the network to learn from all of them."""
        batches = max(1, len(x) // self.batch_size)
        return int(np.clip(PASSES, FEWEST // batches, max(1, MOST // batches)))

    def _separation(self):
        return TransductiveSVM() if self.separation is None else self.separation

    def _algorithm_1(self, x, targets, weight, report):
        """x (n, d) float32 scaled, targets (n, C), weight (n,) -> averaged networks, probabilities, {}, rows known."""
        labeled = np.flatnonzero(degrees.speaks(targets) & (weight > 0))
        unlabeled = np.flatnonzero(~degrees.settled(targets))  # a partly known row is both
        network = Network(x.shape[1], targets.shape[1], self.hidden, self.dropout)
        if not degrees.tell_apart(targets[labeled]):
            constant = Averaged.constant(network, degrees.shares(targets, weight))
            return constant, constant.probabilities(x), {}, len(labeled)
        known = labeled, targets[labeled], weight[labeled]

        # Train f and g on the labeled rows.
        trainer = self._trainer(network, x)
        report(0.0, "learning from the labeled items")
        trainer.learn_known(*known, self.pretraining_epochs)

        # Then in turns, at a tenth of the learning rate:
        trainer.slow_down(self.slowdown)
        snapshots = []
        for iteration in range(self.iterations):
            report((1 + iteration) / (1 + self.iterations), f"iteration {iteration + 1} of {self.iterations}")
            # map all rows into the embedding and find there the boundaries that keep away from them,
            separation = clone(self._separation()).fit(trainer.embedding(), targets, weight)
            # give the unlabeled rows class probabilities anew (what is known of a row in part counts in its own),
            soft = degrees.posterior(targets[unlabeled], separation.transduction_[unlabeled])
            # learn from those, and again from the labeled rows.
            trainer.learn_soft(unlabeled, soft, self.epochs)
            trainer.learn_known(*known, self.epochs)
            snapshots.append(networks.snapshot(network))

        # The result is an exponential moving average of the predictions over the iterations.
        averaged = Averaged.of(snapshots, self.decay)
        return averaged, averaged.probabilities(x), {}, len(labeled)

    def predict_proba(self, X):
        """(n, d) -> (n, C); rows sum to one where categories are exclusive."""
        return self._probabilities(self._scaled(X))

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
        for name, choices in (("method", ("pooled", "patent")), ("init", ("glorot", "autoencoder"))):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}.")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags
