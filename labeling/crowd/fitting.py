"""One model of evidence for a whole project, fitted by sweeps: believe the truth, rate the workers, believe anew.

Dawid and Skene (Applied Statistics 28, 1979) with every worker shrunk to the kind's workers. What breaks the free form
is held: a lone answer hardly rates its worker, the class prior is flat until answers overlap, and evidence is tempered
by the number of people, whose errors about one item are alike.
"""

from typing import NamedTuple

import numpy as np

from labeling.crowd import rates, trusting
from labeling.crowd.answers import read
from labeling.crowd.channels import Celled, Chosen
from labeling.crowd.degrees import degrees
from labeling.crowd.online import Row
from labeling.crowd.posteriors import best, posterior, tempered, with_gold

SWEEPS = 10
LONE = 0.1  # of an answer that nobody has checked towards its worker's rates
OVERLAP = {True: 3, False: 2}  # answers to an exclusive item, to a cell, that let its truth tell how frequent it is


class Workers(NamedTuple):
    """One row a (worker, kind), by name.

    rating: probability of a right answer, on what the worker met; error: its standard error;
    judged: answers; rates: (K, K) what is said (column) under each truth (row), K = 2 (no, yes) for cells; counts: the
    expected counts behind them.
    """

    name: np.ndarray
    kind: np.ndarray
    rating: np.ndarray
    error: np.ndarray
    judged: np.ndarray
    rates: list
    counts: list


class Consensus:
    """Consensus of a whole project from all that its people said, in every kind of query.

    Parameters
    ----------
    exclusive : bool
        One category an item.
    sweeps : int
        Rounds of expectation and maximization; more let rare categories drift.

    Attributes
    ----------
    evidence_ : (n, C) log-likelihood from people alone, tempered, in nats; 0 where nobody judged. Of yes against no,
        or if exclusive of each category, up to a constant a row, the best being 0.
    probas_ : (n, C) posterior probability, prior and gold included; rows sum to one if exclusive.
    degrees_ : Degrees of (n, C), the rate-corrected share of people who say yes and its standard error.
    judgments_ : (n, C) or if exclusive (n, 1) number of answers.
    base_ : (C,) how frequent the categories are, as far as overlapping answers tell.
    raw_ : (n, C) evidence before it is tempered.
    pools_ : {(kind, K): Pool}, how the kind's workers do together.
    workers_ : Workers.
    blend_ : trust in the prior, 0 = answers alone.
    temperature_ : correlation of people's errors about one item, by which evidence is tempered.
    """

    def __init__(self, exclusive=True, sweeps=SWEEPS):
        self.exclusive = exclusive
        self.sweeps = sweeps

    def fit(self, answers, gold=None, prior=None, mass=None, shape=None):
        """Aggregate `answers`: an Answers, Choices, or a list of such tables.

        gold: arrays (item, category, value) of known cells. prior: (n, C) probabilities, of each item without its own
        answers. mass: (n,) evidence near the item, in answers, that damps a prior made from little. shape: (n, C); by
        default the prior's, else as many as the answers number. Raises ValueError naming the column that is wrong.
        """
        shape = np.shape(prior) if shape is None and prior is not None else shape
        self.log_ = read(answers, self.exclusive, shape, gold)
        self.gold_ = gold
        self._open()
        for _ in range(self.sweeps):
            self._sweep()
        return self._close(prior, mass)

    def rows(self):
        """Each item as `update` takes it."""
        return [Row(raw, judgments) for raw, judgments in zip(self.raw_, self.judgments_, strict=True)]

    def _open(self):
        log = self.log_
        forms = ((Chosen, log.choices), (Celled, log.cells))
        self.channels_ = [form(events, log.kind, log.shape) for form, events in forms if len(events.item)]
        self.judgments_, self.fewer_ = _judgments(log, self.exclusive), _fewer(log)
        self.base_ = _flat(log.shape[1], self.exclusive)
        checked = _checked(self.gold_, log.shape, self.exclusive)
        self.weight_ = np.where((self.judgments_ <= 1) & ~checked, LONE, 1.0)
        self.truth_ = np.zeros(log.shape)

    def _sweep(self):
        self.truth_ = self._known(posterior(self._raw(), self.base_, self.exclusive))
        for channel in self.channels_:
            channel.learn(self.truth_, self.weight_)
        self.base_ = self._frequent(self.truth_)

    def _raw(self):
        return sum((channel.evidence() for channel in self.channels_), np.zeros(self.log_.shape))

    def _known(self, cells):
        return with_gold(cells, self.gold_, self.exclusive)

    def _frequent(self, truth):
        """Share of each category among items judged often enough; every other item counts as evenly spread."""
        often = self.judgments_ - self.fewer_ >= OVERLAP[self.exclusive]
        flat = _flat(truth.shape[1], self.exclusive)
        doubt = 1 / flat[0] + (~often & (self.judgments_ > 0)).sum(axis=0) if truth.shape[1] else 1
        return ((truth * often).sum(axis=0) + doubt * flat) / (often.sum(axis=0) + doubt)

    def _close(self, prior, mass):
        raw = self.raw_ = self._raw()
        self.pools_ = {(kind, one.categories): one.pools[kind] for one in self.channels_ for kind in one.pools}
        self.temperature_ = trusting.temperature(self)
        self.evidence_ = tempered(raw, self.judgments_, self.temperature_)
        if self.exclusive and raw.size:
            self.evidence_ = self.evidence_ - best(self.evidence_)[:, None]
        self.prior_, self.blend_ = trusting.trusted(self, prior, mass)
        self.probas_ = self._known(posterior(self.evidence_, self.prior_, self.exclusive))
        self.degrees_ = degrees(self)
        self.workers_ = _workers(self.log_, self.channels_)
        return self


def _judgments(log, exclusive):
    """Answers of each item (n, 1) where one truth explains them, else of each cell (n, C)."""
    items, categories = log.shape
    if exclusive:
        return np.bincount(np.concatenate([log.choices.item, log.cells.item]), minlength=items)[:, None]
    cell = log.cells.item * categories + log.cells.category
    return np.bincount(cell, minlength=items * categories).reshape(items, categories)


def _fewer(log):
    """Choices of each item (n, 1) among fewer than all, which do not tell how frequent the others are."""
    if log.choices.offered is None:
        return 0
    return np.bincount(log.choices.item, ~log.choices.offered.all(axis=1), log.shape[0])[:, None]


def _flat(categories, exclusive):
    return np.full(categories, 1 / max(categories, 1) if exclusive else 0.5)


def _checked(gold, shape, exclusive):
    """Where the truth is known beforehand: (n, 1) items or (n, C) cells."""
    checked = np.zeros(shape, bool)
    if gold is not None:
        checked[np.asarray(gold[0]), np.asarray(gold[1])] = True
    return checked.any(axis=1, keepdims=True) if exclusive else checked


def _workers(log, channels):
    """A source that speaks in both forms has a row for each."""
    rows = [_rows(channel, log) for channel in channels]
    if not rows:
        return Workers(log.worker, log.kind, *(np.zeros(0),) * 3, [], [])
    name, kind, rating, error, judged = (
        np.concatenate(column) for column in zip(*(row[:5] for row in rows), strict=True)
    )
    order = np.lexsort((kind, name))
    tables = [[table for row in rows for table in row[at]] for at in (5, 6)]
    return Workers(*(column[order] for column in (name, kind, rating, error, judged)),
                   *([column[n] for n in order] for column in tables))  # fmt: skip


def _rows(channel, log):
    judged = np.bincount(channel.events.source, minlength=len(log.worker))
    rating, weight = np.zeros(len(judged)), np.zeros(len(judged))
    for kind, pool in channel.pools.items():
        rows = channel.kinds == kind
        rating[rows], weight[rows] = rates.accuracy(channel.spoken[rows], pool), judged[rows] + pool.skill + 1
    columns = log.worker, log.kind, rating, np.sqrt(rating * (1 - rating) / weight), judged
    return [column[judged > 0] for column in (*columns, channel.rates, channel.spoken)]
