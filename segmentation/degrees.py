"""Targets: what people said, in the one form every classifier here learns from.

Exclusive targets are likelihoods (n, C): one-hot = known, all ones = unlabeled, "not the third" = ones but a small
value there. Where categories are not exclusive each is a problem of its own with the two categories "no" and "yes".
"""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

UNLABELED = -1
SETTLED = 0.9  # a row whose own evidence gives one category this much needs no guess


def to_targets(y, classes=None, exclusive=True):
    """Say y as targets, with the classes its columns stand for.

    Parameters
    ----------
    y : (n,) of labels, -1 where unlabeled; or (n, C) of likelihoods in [0, 1] (exclusive), or of probabilities that the
        degree is above the line, NaN or -1 where unknown (not exclusive).
    classes : (C,), optional. Default: the labels found in a vector, 0 .. C-1 for a matrix.
    exclusive : one category an item, or not.

    Returns
    -------
    targets : (n, C) float64 in [0, 1]; not exclusive: NaN where unknown.
    classes : (C,)

    Raises
    ------
    ValueError : y is malformed; the sentence names the row and what to do.
    """
    if y is None:
        raise ValueError("This classifier requires y to be passed, but the target y is None.")
    y = np.asarray(y)
    if exclusive and y.ndim == 2 and y.shape[1] == 1 and y.dtype.kind != "f":
        y = column_or_1d(y, warn=True)  # scikit-learn's rule for a column of labels; a column of floats is likelihoods
    if y.ndim == 1:
        return _from_labels(y, classes, exclusive)
    if y.ndim != 2:
        raise ValueError(f"y has {y.ndim} dimensions; give a vector of labels or a matrix with a column per category.")
    if classes is not None and len(classes) != y.shape[1]:
        raise ValueError(f"y has {y.shape[1]} columns for {len(classes)} classes; give one column per class.")
    return _checked_matrix(y, exclusive), np.arange(y.shape[1]) if classes is None else np.asarray(classes)


def _from_labels(y, classes, exclusive):
    # numpy turns the -1 in a list of strings into "-1"
    unlabeled = y == (str(UNLABELED) if y.dtype.kind in "US" else UNLABELED)
    if not unlabeled.all():
        check_classification_targets(y[~unlabeled])
    classes = np.unique(y[~unlabeled]) if classes is None else np.asarray(classes)
    if not len(classes):
        raise ValueError(
            "y holds no label, only -1: which categories there are is unknown. Give (n, C) targets instead."
        )
    strangers = ~unlabeled & ~np.isin(y, classes)
    if strangers.any():
        row = strangers.argmax()
        raise ValueError(f"y[{row}] is {y[row]!r}, which is none of the classes {classes.tolist()}.")
    targets = (y[:, None] == classes[None, :]).astype(float)
    targets[unlabeled] = 1.0 if exclusive else np.nan
    return targets, classes


def _checked_matrix(y, exclusive):
    try:
        y = y.astype(float)
    except (TypeError, ValueError):
        raise ValueError("y is a matrix with something else than numbers in it; give numbers in [0, 1].") from None
    if y.shape[1] == 0:
        raise ValueError("y has no column; give one column per category.")
    if not exclusive:
        y[y == UNLABELED] = np.nan
    _refuse(y, ((y < 0) | (y > 1)).any(axis=1), "targets lie in [0, 1]")
    if exclusive:
        _refuse(y, np.isnan(y).any(axis=1), "where categories exclude each other an unlabeled row is all ones, not NaN")
        _refuse(y, (y == 0).all(axis=1), "this rules out every category; an unlabeled row is all ones")
    return y


def _refuse(y, rows, reason):
    if rows.any():
        row = int(rows.argmax())
        raise ValueError(f"y[{row}] is {y[row].tolist()}: {reason}.")


def checked_weight(sample_weight, targets, exclusive=True):
    """Weights of each cell (n, C): None is ones, (n,) counts for all of a row; (n, C) where not exclusive."""
    if sample_weight is None:
        return np.ones(targets.shape)
    weight = np.asarray(sample_weight, dtype=float)
    if weight.shape == targets.shape[:1]:
        weight = np.repeat(weight[:, None], targets.shape[1], axis=1)
    elif exclusive or weight.shape != targets.shape:
        allowed = "" if exclusive else f" or {targets.shape}"
        raise ValueError(f"sample_weight has shape {weight.shape}; give {targets.shape[:1]}{allowed}.")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("sample_weight holds a negative or non-finite number; weights are 0 or more.")
    if not weight.any():
        raise ValueError(
            "sample_weight is zero everywhere: all sample weights are zero, which leaves nothing to learn."
        )
    return weight


def problems(targets, weight, exclusive):
    """The exclusive problems that targets consist of: [(targets (n, C'), weight (n,))], one, or one per category."""
    if exclusive:
        return [(targets, weight[:, 0])]
    yes = np.where(np.isnan(targets), 1.0, targets)
    no = np.where(np.isnan(targets), 1.0, 1.0 - targets)
    return [(np.column_stack([no[:, k], yes[:, k]]), weight[:, k]) for k in range(targets.shape[1])]


def joined(probabilities, exclusive):
    """What the problems' classifiers said, as (n, C): the one, or the "yes" of each."""
    return probabilities[0] if exclusive else np.column_stack([p[:, 1] for p in probabilities])


def decided(probabilities, classes, exclusive):
    """Probabilities (n, C) -> labels (n,); 0 and 1 (n, C) where categories are not exclusive."""
    return classes[probabilities.argmax(axis=1)] if exclusive else (probabilities >= 0.5).astype(int)


def speaks(targets):
    """Rows that say anything at all: (n,) bool."""
    return targets.max(axis=1) > targets.min(axis=1)


def evidence(targets):
    """What each row says by itself, every category being as likely before: (n, C), rows sum to one."""
    return targets / targets.sum(axis=1, keepdims=True)


def settled(targets):
    """Rows that leave (nearly) nothing open: (n,) bool."""
    return evidence(targets).max(axis=1) >= SETTLED


def leaning(targets):
    """How surely each row is inside (1) or outside (-1) each category, 0 where it does not say: (n, C).

    Inside counts from a probability of one half on; outside from less than an even share down.
    """
    e = evidence(targets)
    return np.where(e > 0.5, 2 * e - 1, np.minimum(0.0, e * e.shape[1] - 1)) * speaks(targets)[:, None]


def shares(targets, weight, rounds=100):
    """Each category's share of what was said, with one imagined row of each added (Laplace): (C,).

    What a partly known row leaves open is divided by the shares themselves (expectation maximisation).
    """
    said, weight = targets[speaks(targets)], weight[speaks(targets)]
    share = np.full(targets.shape[1], 1 / targets.shape[1])
    for _ in range(rounds):
        before, counts = share, 1.0 + weight @ posterior(said, share)
        share = counts / counts.sum()
        if np.abs(share - before).max() < 1e-5:
            break
    return share


def representative(targets, weight, share):
    """Weights (n,) under which the settled rows' categories are mixed as `share` says.

    A "no" to one category leaves a row open and a "yes" settles it, so a category asked about is settled too often.
    """
    said = evidence(targets) * (settled(targets) & speaks(targets))[:, None]
    counts = weight @ said
    ratio = np.divide(share * counts.sum(), counts, out=np.ones_like(share), where=counts > 0)
    return weight * np.where(said.any(axis=1), said @ ratio, 1.0)


def tell_apart(targets):
    """Whether one row says something that another does not; without that there is nothing to learn."""
    said = evidence(targets[speaks(targets)])
    return len(said) > 1 and bool(np.ptp(said, axis=0).max() > 0.1)


def posterior(likelihood, prior):
    """Rows of likelihood (n, C) times prior ((C,) or (n, C)), each summing to one."""
    joint = likelihood * np.maximum(prior, np.finfo(np.float32).tiny)
    return joint / joint.sum(axis=1, keepdims=True)


def smooth(targets, eps=1e-3):
    """Keep rows (n, C) away from certainty: a known one becomes 1 - (C - 1) eps and eps. Arrays or tensors."""
    categories = targets.shape[1]
    eps = min(eps, 0.5 / categories)  # with more than 1 / eps categories nothing would be left for the known one
    return targets * (1 - categories * eps) + eps


def to_labels(y, prior=None):
    """Likelihoods (n, C) for estimators that take one label a row -> columns (n,) with -1, and weights (n,).

    A row's label is its most probable category under the prior (C,), even by default. Its weight is that probability
    less the runner-up's, since what speaks for both speaks for neither. Rows that leave the two equal are -1, weight 1.
    """
    y = np.asarray(y, dtype=float)
    if y.shape[1] == 1:
        return np.zeros(len(y), dtype=int), np.ones(len(y))
    probability = posterior(y, np.full(y.shape[1], 1 / y.shape[1]) if prior is None else np.asarray(prior, dtype=float))
    second, first = np.sort(probability, axis=1)[:, -2:].T
    known = speaks(y) & (first - second > 1e-6)
    return np.where(known, probability.argmax(axis=1), UNLABELED), np.where(known, first - second, 1.0)
