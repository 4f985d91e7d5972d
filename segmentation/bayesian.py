"""A Bayesian network of differentiating factors, one of the automated classifiers of US 8,589,317 B2.

The category causes the levels of the factors that tell categories apart; a tree says which of them cause one another.
"""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from segmentation import artifacts, degrees
from segmentation.estimating import Semisupervised
from segmentation.factors import Factors, blocks
from segmentation.scaling import Scaling
from segmentation.tables import Learning, Network, given

CROWD = 5_000  # unlabeled rows that tables and edges are learned from; all rows decide where factors are cut


class BayesianNetwork(Semisupervised):
    """Tree-augmented naive Bayes network on factors cut into levels, with the exact posterior.

    Each feature, and each direction in which rows differ most, is a factor. Its table says how much more often than
    overall each level is met in a category: smoothed over neighbouring levels and shrunken to "no more often". A factor
    is kept if it makes left-out labels more probable. A tree of the factors most dependent within categories takes back
    what one factor says again after another, and says what two say only together; its tables are learned from all rows
    under a first estimate of their categories. One step of expectation maximisation may put unlabeled rows into the
    factors' tables too. Each of the two is done only where that makes left-out labels more probable, and the evidence
    of features, of directions and of edges is weighted so that it does so most. That also calibrates.

    It is quick, calibrated, does not mind units, outliers and odd distributions, and can be read (`networks_`). It
    loses where a plain weighted sum of the features tells the categories apart, since it cuts each feature by itself,
    and where they are manifolds that neighbours know best: with ten labels a category, up to four points of accuracy
    behind logistic regression on some sets, six behind label spreading on written digits, and ahead on the mean; with
    25 no longer ahead, and seven points behind where proteins add up.

    Parameters
    ----------
    exclusive : one category an item; False: a network for each category.
    levels : of a factor.
    directions : principal components taken as factors beside the features; 0 for none.
    bandwidth : of the smoothing over neighbouring levels, in ranks from 0 to 1, at one label a category; it narrows
        with the fifth root of their number (Silverman's rule).
    strength : rows' worth of "no more often" mixed into each table.
    tree, crowd : whether edges, and unlabeled rows in the tables, may be used where they help.
    folds : of the labels left out in turn.
    scaling : see `segmentation.scaling.Scaling`; it matters to the directions only.
    random_state : of the folds and of which unlabeled rows are looked at.

    Attributes
    ----------
    classes_ : (C,)
    transduction_ : (n, C) probabilities of the fitted rows.
    factors_ : the `Factors`.
    networks_ : the `Network` of each problem, None where there was nothing to tell apart.

    References
    ----------
    Friedman, Geiger, Goldszmidt 1997, "Bayesian network classifiers", Machine Learning 29. Chow, Liu 1968,
    "Approximating discrete probability distributions with dependence trees". Nigam et al. 2000, "Text classification
    from labeled and unlabeled documents using EM", Machine Learning 39.
    """

    def __init__(
        self,
        exclusive=True,
        levels=32,
        directions=16,
        bandwidth=0.25,
        strength=1.0,
        tree=True,
        crowd=True,
        folds=5,
        scaling="auto",
        random_state=None,
    ):
        self.exclusive = exclusive
        self.levels = levels
        self.directions = directions
        self.bandwidth = bandwidth
        self.strength = strength
        self.tree = tree
        self.crowd = crowd
        self.folds = folds
        self.scaling = scaling
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """X (n, d) finite; y and sample_weight as in `DeepSegmentation.fit`."""
        self._check_parameters()
        X, targets, weight = self._told(X, y, sample_weight)
        self.scaling_ = Scaling(self.scaling).fit(X)
        x = self.scaling_.transform(X)
        self.factors_ = Factors.of(x, self.levels, self.directions)
        codes = np.vstack([self.factors_.levels(block) for block in blocks(x)])
        random = check_random_state(self.random_state)
        problems = degrees.problems(targets, weight, self.exclusive)
        self.shares_ = [degrees.shares(*problem) for problem in problems]
        self.networks_ = [
            self._network(codes, *problem, share, random) for problem, share in zip(problems, self.shares_, strict=True)
        ]
        self.transduction_ = self._probabilities(codes)
        return self

    def predict_proba(self, X):
        """(n, d) -> (n, C); rows sum to one where categories are exclusive."""
        check_is_fitted(self)
        x = self.scaling_.transform(validate_data(self, X, dtype=(np.float32, np.float64), reset=False))
        return np.vstack([self._probabilities(self.factors_.levels(block)) for block in blocks(x)])

    def to_arrays(self):
        """What prediction needs, as named arrays without objects."""
        check_is_fitted(self)
        parts = [
            {"share": share} | ({} if network is None else network.to_arrays())
            for share, network in zip(self.shares_, self.networks_, strict=True)
        ]
        return artifacts.packed(self, parts) | self.factors_.to_arrays()

    @classmethod
    def from_arrays(cls, arrays):
        """A classifier that predicts as the one whose `to_arrays` these are; np.load(file) will do."""
        fitted, parts = artifacts.unpacked(cls(), arrays)
        fitted.factors_ = Factors.from_arrays(arrays)
        fitted.shares_ = [part["share"] for part in parts]
        fitted.networks_ = [Network.from_arrays(part) if "tables" in part else None for part in parts]
        return fitted

    def _probabilities(self, codes):
        found = [
            np.tile(share, (len(codes), 1)) if network is None else given(network.evidence(codes), share)
            for share, network in zip(self.shares_, self.networks_, strict=True)
        ]
        return degrees.joined(found, self.exclusive)

    def _network(self, codes, targets, weight, share, random):
        labels, certainty = degrees.to_labels(targets)
        weight = np.where(labels == degrees.UNLABELED, 0, weight * certainty)
        labeled = np.flatnonzero(weight > 0)
        if len(np.unique(labels[labeled])) < 2:
            return None
        rest = np.setdiff1d(np.arange(len(codes)), labeled)
        rest = np.sort(random.choice(rest, min(CROWD, len(rest)), replace=False))
        rows = np.concatenate([labeled, rest])
        known = np.eye(len(share))[labels[labeled]] * weight[labeled, None]
        return Learning(self, self.factors_, codes[rows], targets[rows], known, share).network(random)

    def _check_parameters(self):
        for name, least in {"levels": 2, "directions": 0, "folds": 2}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)!r}; at least {least} is needed.")
        for name in ("bandwidth", "strength"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it is above 0.")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags
