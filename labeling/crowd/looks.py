"""What an item looks like to people: mostly its own category, sometimes half another, sometimes another altogether.

Of the items some share is torn: each person sees the item's own category or one other, as likely as not. Some are
misled: everybody sees the other. Summed over exactly, so people who agree about one item are no independent witnesses
of its truth, and where they disagree the item is likely a hard one: a difficulty for each item as in Whitehill et al.
(NIPS 22, 2009), but one that has a direction. Which category passes for which only known truth can tell.
"""

from typing import NamedTuple

import numpy as np

from labeling.crowd.posteriors import OPEN

HALF = np.log(0.5)
TORN, MISLED = 0.3, 0.01  # shares of items in most crowds
MOST = 0.8  # of one category's items at most are torn
LEAST = 0.01  # of answers about what is plainly seen are slips, even a careful worker's


class Looks(NamedTuple):
    """What share of the items of each category (row) looks half, and wholly, like which (column): two of (K, K), whose
    rows sum to one together; (C, 2, 2), of no and yes to each, where categories are not exclusive."""

    half: np.ndarray
    whole: np.ndarray


def usual(categories, exclusive):
    """The Looks of items before a project's answers tell."""
    even = np.full(categories, 1 / max(categories, 1)) if exclusive else np.full((categories, 2), 0.5)
    return looks(TORN, MISLED, even)


def looks(torn, misled, base):
    """Looks (..., K, K) where such shares of items are torn and misled; base: (..., K) how frequent is what an item may
    pass for, so that of two that pass for each other the one is as likely as the other."""
    half = _others(torn, base)
    most = half.sum(axis=-1, keepdims=True).max(axis=-2, keepdims=True, initial=MOST)
    half = half * MOST / most
    return Looks(half, (1 - half.sum(axis=-1, keepdims=True)) * passing(misled, base))


def passing(share, base):
    """(..., K, K) where so large a share of all items looks like another category."""
    away = _others(share, base)
    return away + np.eye(away.shape[-1]) * (1 - away.sum(axis=-1, keepdims=True))


def _others(share, base):
    size = np.shape(base)[-1]
    spread = np.broadcast_to(np.asarray(base, float)[..., None, :], (*np.shape(base), size))
    return share * spread * (1 - np.eye(size)) * size / max(size - 1, 1)


def sides(yes):
    """(..., 2) no and yes from the probability (...) of yes."""
    return np.stack([1 - yes, yes], axis=-1)


def torn(logs, one, other):
    """Log-likelihood (..., P) of an answer about an item that looks half like each of two, from that (..., K) of the
    answer where one category is seen; one, other: (P,) which two."""
    likely = np.exp(logs)
    return np.log(likely[..., one] + likely[..., other]) + HALF


def halves(logs):
    """The same (..., K, K) of every two."""
    rows, columns = np.indices((logs.shape[-1],) * 2)
    return torn(logs, rows, columns)


def evidence(raw, torn, looks):
    """Log-likelihood (..., K) of each truth from answers' sums: `raw` (..., K) if the category is seen, `torn`
    (..., K, K) if either of two; the Looks of all, or of each (...)."""
    whole, half, most = weights(raw, torn, 1.0, looks)
    return most + np.log(whole.sum(axis=-1) + half.sum(axis=-1))


def seen(raw, torn, prior, looks):
    """Probabilities (..., K) that one person more would see each category; prior: (..., K) or (K,)."""
    whole, half, _ = weights(raw, torn, np.clip(prior, OPEN, 1 - OPEN)[..., None], looks)
    found = whole.sum(axis=-2) + (half.sum(axis=-1) + half.sum(axis=-2)) / 2
    return found / found.sum(axis=-1, keepdims=True)


def weights(raw, torn, prior, looks):
    """How likely are items of each truth that look wholly, and half, like each: two of (..., K, K); the logarithm
    (..., 1) that was taken out of all. prior: (..., K, 1) or a number."""
    apart = ~np.eye(raw.shape[-1], dtype=bool)
    most = np.maximum(raw.max(axis=-1), np.where(apart, torn, -np.inf).max(axis=(-1, -2)))[..., None]
    half = looks.half * np.exp(np.where(apart, torn - most[..., None], 0))
    return looks.whole * np.exp(raw - most)[..., None, :] * prior, half * prior, most


def met(looks):
    """(..., K, K) how likely one person sees which category of an item of each."""
    return looks.whole + looks.half / 2 + np.eye(looks.half.shape[-1]) * looks.half.sum(axis=-1, keepdims=True) / 2


def plain(tables, looks):
    """Rates (..., K, K) of what is said of what is seen, from `tables` of what is said under each truth; (K, K) in
    `looks`, of which for yes or no to one of many categories the mean is taken."""
    mixed = met(looks)
    mixed = mixed.mean(axis=0) if mixed.ndim > 2 else mixed
    size, alike = tables.shape[-1], np.trace(mixed) / len(mixed)
    other = (1 - alike) / (len(mixed) - 1)
    if size == len(mixed) > 2:  # as likely like each: solved without a matrix, since there may be many
        sharp = (tables - other * tables.sum(axis=-2, keepdims=True)) / (alike - other)
    else:
        mixed = mixed if size == len(mixed) else np.array([[1 - other, other], [1 - alike, alike]])
        sharp = np.linalg.inv(mixed) @ tables
    sharp = np.clip(sharp, LEAST / size, 1 - LEAST)
    return sharp / sharp.sum(axis=-1, keepdims=True)
