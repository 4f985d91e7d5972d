"""The pool at work: every candidate speaks of all rows, is weighed by labels hidden from it, and all are joined."""

import numpy as np

from segmentation import degrees, pooling
from segmentation.candidates import BOLD, PLAIN, candidates

CERTAINTY = 0.75  # of all weights together before labels have judged; the rest has to be earned
TOLL = 0.5  # standard errors by which labels must speak for a candidate that was not trusted before
WATCHED = 1000  # unlabeled rows on which it is seen how far a candidate depends on which labels there are


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
    voices = []
    for done, (name, candidate) in enumerate(everyone.items()):
        report(0.5 * done / len(everyone), f"learning from the labeled items: {name}")
        voices.append(candidate(rows, targets, weight, np.arange(len(targets)), seed).astype(np.float32))
    if weights is None:
        found = _weighed(rows, targets, weight, everyone, voices, random, seed, report)
        weights = dict(zip(everyone, found.tolist(), strict=True))
    told = np.array([weights[name] for name in everyone])
    return pooling.tempered(pooling.pooled(voices, told), voices, told), weights


def _weighed(rows, targets, weight, everyone, voices, random, seed, report):
    """The weights (J,) of candidates that said `voices` with all labels, by what they say with some hidden."""
    known = np.flatnonzero(degrees.speaks(targets) & (weight > 0))
    watched = random.permutation(np.flatnonzero(~degrees.speaks(targets)))[:WATCHED]
    decided = np.array([voice[watched].argmax(axis=1) for voice in voices])
    hidden = pooling.folds(targets[known], random)
    unseen, swayed = [], []
    for done, fold in enumerate(hidden):
        report(0.5 + 0.5 * done / len(hidden), "weighing the candidates by labels hidden from them")
        said = _without(rows, targets, weight, known[fold], watched, everyone.values(), seed)
        unseen.append(said[:, : len(fold)])
        swayed.append((said[:, len(fold) :].argmax(axis=2) != decided).sum(axis=1) / max(1, len(watched)))
    judged = known[np.concatenate(hidden)]
    trust = pooling.trust(dict(zip(everyone, np.mean(swayed, axis=0), strict=True)), PLAIN, BOLD)
    beforehand, toll = CERTAINTY * trust / trust.sum(), TOLL * np.maximum(1 - trust, 0)
    return pooling.fit_weights(np.concatenate(unseen, axis=1), targets[judged], weight[judged], beforehand, toll)


def _without(rows, targets, weight, hidden, watched, everyone, seed):
    """Of each candidate, fitted without the labels of rows hidden (m,), the probabilities of those and watched rows."""
    rest = targets.copy()
    rest[hidden] = 1.0
    wanted = np.concatenate([hidden, watched])
    return np.array([candidate(rows, rest, weight, wanted, seed) for candidate in everyone])
