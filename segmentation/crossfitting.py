"""Cross-fitting: what a classifier says of each row when that row's own answers were hidden from it.

The consensus takes this as its prior. Made from a row's own answers it would count them twice.
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from segmentation import degrees

WALK = 0.9  # chance that a walk over the graph goes on; it visits ten rows in the mean


@dataclass(frozen=True)
class Crossfit:
    """Attributes
    ----------
    prior : (n, C) float32: probabilities of each row by a classifier that its own answers never reached.
    mass : (n,) float32, in labeled rows: how many of them a walk over the graph from the row meets, its own fold's not
        counted. Near 0 the prior is a guess; to damp it there is the consensus's business.
    """

    prior: np.ndarray
    mass: np.ndarray


def fold_of(keys, folds):
    """The fold of each key (n,), of str or bytes: a fixed hash, so that a row stays in its fold from run to run."""
    return np.array([int.from_bytes(blake2b(_bytes(key), digest_size=8).digest()) % folds for key in keys], dtype=int)


def together(fold, X):
    """The folds (n,), rows that are equal in X (n, d) all in the lowest of theirs: a duplicate would give it away."""
    _, group = np.unique(X, axis=0, return_inverse=True)
    lowest = np.full(group.max(initial=-1) + 1, np.iinfo(int).max)
    np.minimum.at(lowest, group.ravel(), fold)
    return lowest[group.ravel()]


def crossfit(make, X, y, folds, graph=None, sample_weight=None, exclusive=True):
    """Fit a classifier once for each fold, that fold's answers hidden, and let it speak of the fold.

    Parameters
    ----------
    make : make(fold) -> an estimator with fit and transduction_ (n, C) or predict_proba. One that starts warm keeps a
        lineage of its own in each fold if make gives that fold's again.
    X : (n, d). y : targets as in `DeepSegmentation.fit`.
    folds : (n,) int, see `fold_of` and `together`; or how many, the rows then taken by what they hold.
    graph : (n, n) affinities, see `segmentation.views.Views`; without it mass counts all labeled rows of other folds.

    References
    ----------
    Chernozhukov et al. 2018, "Double/debiased machine learning", The Econometrics Journal 21.
    """
    targets, _ = degrees.to_targets(y, exclusive=exclusive)
    weight = degrees.checked_weight(sample_weight, targets, exclusive)
    if np.ndim(folds) == 0:
        folds = fold_of([row.tobytes() for row in np.ascontiguousarray(X, np.float32)], folds)
    folds = together(np.asarray(folds), X)
    prior, mass = np.empty(targets.shape, np.float32), np.empty(len(targets), np.float32)
    for fold in np.unique(folds):
        hidden = folds == fold
        rest = targets.copy()
        rest[hidden] = 1.0 if exclusive else np.nan
        prior[hidden] = _spoken(make(int(fold)), X, rest, sample_weight)[hidden]
        mass[hidden] = met(graph, _known(rest, exclusive) * weight.max(axis=1))[hidden]
    return Crossfit(prior, mass)


def met(graph, known, walk=WALK):
    """Known weight (n,) that a walk over the graph meets from each row: sum over t of (walk P)^t known, (n,)."""
    if graph is None:
        return np.full(len(known), known.sum())
    steps = np.asarray(graph.sum(axis=1)).ravel()
    total, now = np.zeros(len(known)), np.asarray(known, dtype=np.float64)
    for _ in range(40):
        now = walk * (graph @ now) / np.maximum(steps, 1e-12)
        total += now
    return total


def _known(targets, exclusive):
    if exclusive:
        return (degrees.speaks(targets)).astype(float)
    return (~np.isnan(targets)).any(axis=1).astype(float)


def _spoken(estimator, X, targets, sample_weight):
    extra = {} if sample_weight is None else {"sample_weight": sample_weight}
    fitted = estimator.fit(X, targets, **extra)
    found = getattr(fitted, "transduction_", None)
    return fitted.predict_proba(X) if found is None else found


def _bytes(key):
    return key.encode() if isinstance(key, str) else bytes(key)
