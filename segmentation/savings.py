"""What does choosing what to ask save against asking at random? Measured, at spends that the exam itself has reached.

The exam's items and the first ones asked were drawn at random, so a plain classifier taught by them shows what random
asking gives for their cost. The same classifier taught by the answers that were chosen, as many as cost the same, shows
what choosing gives. Both are judged on the exam: the items that judge never teach (cross-fitted on the random side).
"""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from segmentation import degrees

FOLDS = 5  # of the exam: four parts teach, one judges
AXES = 100  # features that the plain classifier takes at most
DRAWN = 1000  # exams imagined, to tell how far chance goes
SURE = 0.95
WIDER = np.sqrt(1 + FOLDS / (FOLDS - 1))  # parts that teach have most of their items in common


class Saving(NamedTuple):
    """gain: accuracy by choosing less that by chance at the last of the spends, with its interval; times: how many
    times dearer chance is for as much as both have reached (below one: choosing is), with its interval. chosen, drawn:
    (G,) accuracies at the spends (G,)."""

    spends: np.ndarray
    chosen: np.ndarray
    drawn: np.ndarray
    gain: tuple[float, float, float]
    times: tuple[float, float, float]


def saving(X, exam, truth, chosen, drawn, spends, exclusive=True, random_state=0):
    """Compare the two ways of asking.

    Parameters
    ----------
    X : (n, d) features of all items that teach or judge.
    exam : (m,) places of those that judge.
    truth : (m,) columns, or (m, C) of 0 and 1 with NaN where unknown; what people say of them.
    chosen, drawn : (G, n, C) targets after each spend, as classifiers take them: likelihoods, all ones where nothing
        was said; or degrees with NaN. Both rise with the spend, which in `drawn` counts four fifths of the exam.
    spends : (G,) rising.

    Returns
    -------
    Saving, or None where one side has nothing to tell apart. The intervals, 95%, come from drawing the exam's items
    again (Efron 1979), the same for both sides, and are widened for what other answers might have taught (Nadeau and
    Bengio 2003, whose correction this is for so many folds).
    """
    random = np.random.default_rng(random_state)
    X = reduced(np.asarray(X, float), random_state)
    fold = random.permutation(len(exam)) % FOLDS
    ours = np.array([judged(X, targets, exam, truth, exclusive) for targets in chosen])
    theirs = np.array([cross_judged(X, targets, exam, truth, fold, exclusive) for targets in drawn])
    if np.isnan(ours).any() or np.isnan(theirs).any():
        return None
    again = random.multinomial(len(exam), np.full(len(exam), 1 / len(exam)), DRAWN) / len(exam)
    spends = np.asarray(spends, float)
    times = [dearer(spends, *pair) for pair in zip(again @ ours.T, again @ theirs.T, strict=True)]
    gains = (again @ (ours[-1] - theirs[-1])).tolist()
    means = ours.mean(axis=1), theirs.mean(axis=1)
    gain = float(means[0][-1] - means[1][-1])
    ratio = np.log(dearer(spends, *means))
    return Saving(spends, *means, ends(gain, gains), tuple(np.exp(ends(ratio, np.log(times))).tolist()))


def ends(value, again):
    low, high = value + WIDER * (np.quantile(again, [(1 - SURE) / 2, (1 + SURE) / 2]) - value)
    return float(value), float(low), float(high)


def dearer(spends, chosen, drawn):
    """How many times the money of choosing chance takes to be as right as both have become."""
    both = min(chosen.max(), drawn.max())
    return float(needed(spends, drawn, both) / needed(spends, chosen, both))


def needed(spends, accuracy, goal):
    """The spend at which the accuracy, held never to fall, is first so high: on a line over the log of the spend."""
    best, money = np.maximum.accumulate(accuracy), np.log(spends)
    at = int(np.argmax(best >= goal))
    if at == 0:
        return spends[0]
    part = (goal - best[at - 1]) / (best[at] - best[at - 1])
    return float(np.exp(money[at - 1] + part * (money[at] - money[at - 1])))


# --- the plain classifier --------------------------------------------------------------------------------------------


def reduced(X, random_state):
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-6)
    most = min(AXES, X.shape[0] - 1)
    return TruncatedSVD(most, random_state=random_state).fit_transform(X) if X.shape[1] > most else X


def cross_judged(X, targets, exam, truth, fold, exclusive):
    """(m,) as `judged`, each fold by what the others and the rest teach."""
    blank = targets[exam] == 1 if exclusive else np.isnan(targets[exam])
    if blank.all():
        return judged(X, targets, exam, truth, exclusive)
    right = np.empty(len(exam))
    for part in range(FOLDS):
        out, rest = fold == part, targets.copy()
        rest[exam[out]] = 1.0 if exclusive else np.nan
        right[out] = judged(X, rest, exam[out], truth[out], exclusive)
    return right


def judged(X, targets, exam, truth, exclusive):
    """(m,) share right of each examined item, by logistic regression on the targets (n, C); NaN if it cannot learn."""
    if exclusive:
        labels, weight = degrees.to_labels(targets)
        said = taught(X, labels, weight, labels >= 0, exam)
        return np.full(len(exam), np.nan) if said is None else (said == truth).astype(float)
    yes = [cell(X, column, exam) for column in targets.T]
    right = np.where(np.isnan(truth), np.nan, (truth > 0.5) == np.array(yes).T)
    return np.nanmean(right, axis=1)


def cell(X, column, exam):
    """(m,) whether the items belong to one category; what most do where nothing tells them apart."""
    known = ~np.isnan(column)
    labels, weight = column > 0.5, np.abs(2 * np.nan_to_num(column, nan=0.5) - 1)
    said = taught(X, labels, weight, known & (weight > 0), exam)
    return np.full(len(exam), bool(known.any() and labels[known].mean() > 0.5)) if said is None else said


def taught(X, labels, weight, known, exam):
    if len(np.unique(labels[known])) < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(max_iter=200).fit(X[known], labels[known], weight[known])
    return fitted.predict(X[exam])
