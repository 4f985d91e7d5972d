"""Counts of who said what of what -> how each worker confuses the categories, shrunk to what the kind's workers do.

A worker's rows are Dirichlet around the kind's pooled rows, moved in logits by the worker's own accuracy: few answers
tell how good somebody is, only many tell in which way somebody errs.
"""

from typing import NamedTuple

import numpy as np

NEWCOMER = 0.75  # crowds average about this
FIRST = 1.0  # answers that this weighs as much as in a rating
KIND = 50.0  # answers in all before a kind's own accuracy counts more than NEWCOMER
POOL = 200.0  # answers a category before its own ease and errors count more than the kind's accuracy and even errors
SKILL = 8.0  # answers that a kind's accuracy weighs as much as, against a worker's own, where too few tell
FEWEST, MOST = 2.0, 20.0  # the same, learned: never so few that one answer decides; people always differ by a tenth
SHAPE = 48.0  # answers a category that the expected confusion weighs as much as, against a worker's own
GUESSES = (0.5, 0.75, 0.95)  # shares of answers given without looking that are thought of
LOOKING = 0.91  # how likely it is beforehand that a worker always looks; the rest falls to GUESSES alike
HABIT = 16.0  # answers that the kind's frequencies weigh as much as, against what a worker likes to say
SURE = 0.99  # nobody is trusted beyond this: one slip must not need ten people to undo


class Pool(NamedTuple):
    """A kind's workers together: `rates` (K, K) of what is said (column) under the truth (row); how alike they are,
    `skill`, in answers that their accuracy weighs as much as, against a worker's own."""

    rates: np.ndarray
    skill: float


def fresh(categories):
    """Workers of whom nothing is known."""
    return Pool(_even(categories, NEWCOMER), SKILL)


def _even(categories, accuracy):
    rates = np.full((categories, categories), (1 - accuracy) / max(categories - 1, 1))
    np.fill_diagonal(rates, accuracy)
    return rates


def begun(rating, answers, categories):
    """Counts (K, K) of a worker of whom is known beforehand how often right, as if from so many answers."""
    return _even(categories, rating) * answers / categories


def pooled(counts):
    """The Pool of workers with these expected counts (U, K, K) [worker, truth, said]."""
    right, seen = np.einsum("ukk->u", counts), counts.sum(axis=(1, 2))
    usual = (right.sum() + KIND * NEWCOMER) / (seen.sum() + KIND)
    total = counts.sum(axis=0) + POOL * _even(counts.shape[1], usual)
    return Pool(total / total.sum(axis=1, keepdims=True), _alike(right, seen))


def _alike(right, seen):
    """Strength of the beta distribution of workers' accuracies, by moments (DerSimonian and Laird 1986)."""
    total, spread = seen.sum(), seen.sum() - (seen**2).sum() / max(seen.sum(), 1e-12)
    if spread < SKILL:
        return SKILL
    mean = right.sum() / total
    excess = (seen * (right / np.maximum(seen, 1e-12) - mean) ** 2).sum() - (len(seen) - 1) * mean * (1 - mean)
    return float(np.clip(mean * (1 - mean) * spread / max(excess, 1e-12) - 1, FEWEST, MOST))


def shrunk(counts, pool):
    """Rates (U, K, K) of the workers with these counts (U, K, K), around a Pool."""
    rates = (counts + SHAPE * guessing(counts, pool)) / (counts.sum(axis=2, keepdims=True) + SHAPE)
    return np.clip(rates, (1 - SURE) / counts.shape[1], SURE)


def chosen(rates, said, offered=None):
    """Log-likelihood (m, K) under each truth of choices `said` (m,) among those `offered` (m, K), by rates (m, K, K).

    Out of fewer, each is likelier (Luce's choice axiom). A category that was not offered is given -inf: what the
    choice says of it, `filled` tells.
    """
    at = np.arange(len(said))
    own = np.log(rates[at, :, said])
    if offered is None:
        return own
    return np.where(offered, own - np.log(np.einsum("mkl,ml->mk", rates, offered)), -np.inf)


def filled(own, others):
    """`own` (m, K) with its -inf filled: an answer in which a category was not offered leaves its probability alone.

    So it is as likely under that category as it was to be expected from `others` (m, K), the log-likelihood of what
    else is said of the item, among the categories that were offered.
    """
    shut = np.isneginf(own)
    weights = np.where(shut, -np.inf, others)
    weights = np.exp(weights - weights.max(axis=1, keepdims=True))
    expected = np.log((weights * np.exp(own)).sum(axis=1) / weights.sum(axis=1))
    return np.where(shut, expected[:, None], own)


def guessing(counts, pool):
    """The skilled rates (U, K, K), as far as each worker's counts tell of answers given without looking.

    Such answers are what the worker likes to say, whatever the truth (MACE: Hovy et al., NAACL 2013); they speak for
    no category, though in a favourite one they are often right.
    """
    skill, said = skilled(counts, pool), counts.sum(axis=1)
    habit = said + HABIT * pool.rates.mean(axis=0)
    habit = (habit / habit.sum(axis=1, keepdims=True))[:, None]
    mixed = [skill, *((1 - share) * skill + share * habit for share in GUESSES)]
    fit = np.array([np.einsum("uks,uks->u", counts, np.log(one.astype(np.float32))) for one in mixed])  # quicker
    fit += np.log([LOOKING, *[(1 - LOOKING) / len(GUESSES)] * len(GUESSES)])[:, None]
    chance = np.exp(fit - fit.max(axis=0))
    share = ([0, *GUESSES] @ chance / chance.sum(axis=0))[:, None, None]
    return (1 - share) * skill + share * habit


def skilled(counts, pool):
    """The pooled rates (U, K, K), each worker's diagonal moved in logits by the worker's accuracy."""
    ease = _ease(pool)
    moved = _expit(_logit(ease) + (_logit(np.clip(accuracy(counts, pool), 1 - SURE, SURE)) -
                                   _logit(_usual(counts, ease)))[:, None])  # fmt: skip
    errors = pool.rates * (1 - np.eye(len(ease)))
    errors /= np.maximum(errors.sum(axis=1, keepdims=True), 1e-12)
    return errors * (1 - moved)[:, :, None] + np.eye(len(ease)) * moved[:, :, None]


def rated(right, judged, begun=NEWCOMER, answers=0.0):
    """(ratings, their standard errors) of workers with so many answers expected to be `right` of those `judged`, and of
    whom was known beforehand how often they are, as if from so many answers. All (U,) or numbers."""
    weight = np.maximum(answers, FIRST)
    rating = (right + weight * np.where(answers > 0, begun, NEWCOMER)) / (judged + weight)
    return rating, spread(rating, judged + weight)


def spread(rating, weight):
    """Standard error of a rating from so many answers."""
    return np.sqrt(rating * (1 - rating) / (weight + 1))


def accuracy(counts, pool):
    """Share of right answers (U,) on what each worker met, shrunk to what the kind's workers reach on the same."""
    right, seen = np.einsum("ukk->u", counts), counts.sum(axis=(1, 2))
    return (right + pool.skill * _usual(counts, _ease(pool))) / (seen + pool.skill)


def _usual(counts, ease):
    seen = counts.sum(axis=2)
    return (seen @ ease + ease.mean()) / (seen.sum(axis=1) + 1)


def _ease(pool):
    return np.clip(np.diag(pool.rates), 1 - SURE, SURE)


def _logit(p):
    return np.log(p / (1 - p))


def _expit(x):
    return 1 / (1 + np.exp(-x))
