"""The pool at work: every candidate speaks of all rows, is weighed by labels hidden from it, and all are joined."""

import numpy as np

from segmentation import degrees, pooling
from segmentation.candidates import BEFOREHAND, candidates


def speak(rows, targets, weight, separation, random, report, weights=None):
    """What all candidates together say of each row.

    Parameters
    ----------
    rows : `segmentation.candidates.Rows` (n). targets : (n, C) likelihoods; weight : (n,).
    separation : the low-density separation algorithm, an unfitted estimator.
    random : RandomState. report : called as report(fraction in [0, 1], message).
    weights : {candidate: weight} of an earlier pool, to be trusted again.

    Returns
    -------
    probabilities : (n, C), a row's own targets not multiplied in.
    weights : {candidate: weight}.
    """
    everyone, seed = candidates(separation), random.randint(2**31 - 1)
    known = np.flatnonzero(degrees.speaks(targets) & (weight > 0))
    voices = []
    for done, (name, candidate) in enumerate(everyone.items()):
        report(0.5 * done / len(everyone), f"learning from the labeled items: {name}")
        voices.append(candidate(rows, targets, weight, np.arange(len(targets)), seed).astype(np.float32))
    if weights is None:
        hidden = pooling.folds(targets[known], random)
        unseen = []
        for done, fold in enumerate(hidden):
            report(0.5 + 0.5 * done / len(hidden), "weighing the candidates by labels hidden from them")
            unseen.append(_unseen(rows, targets, weight, known[fold], everyone.values(), seed))
        judged = known[np.concatenate(hidden)]
        beforehand = np.array([BEFOREHAND.get(name, 0.0) for name in everyone])
        weights = pooling.fit_weights(np.concatenate(unseen, axis=1), targets[judged], weight[judged], beforehand)
    else:
        weights = np.array([weights[name] for name in everyone])
    joined = pooling.sobered(pooling.pooled(voices, weights), voices, weights)
    return joined, dict(zip(everyone, weights.tolist(), strict=True))


def _unseen(rows, targets, weight, hidden, everyone, seed):
    """Of each candidate, fitted without these labeled rows, the probabilities of them: (J, m, C)."""
    rest = targets.copy()
    rest[hidden] = 1.0
    return np.array([candidate(rows, rest, weight, hidden, seed) for candidate in everyone])
