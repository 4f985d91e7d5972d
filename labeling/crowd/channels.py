"""A channel carries the answers of one form: workers' rates -> evidence for each item, and truth -> workers' counts."""

import numpy as np
from scipy import sparse

from labeling.crowd import rates


class Channel:
    """Answers of one form, by sources of several kinds; a kind's workers are pooled by themselves."""

    def __init__(self, events, kinds, shape, categories):
        self.events, self.kinds, self.shape, self.categories = events, kinds, shape, categories
        self.pools = {kind: rates.fresh(categories) for kind in np.unique(kinds)}
        self.spoken = np.zeros((len(kinds), categories, categories))
        self.learn()

    def learn(self, truth=None, weight=None):
        """Renew counts, pools and rates from the truth (n, C) as it is believed; without, all are newcomers."""
        if truth is not None:
            self.spoken = self.counts(truth, weight)
        self.rates = np.empty_like(self.spoken)
        for kind in self.pools:
            rows = self.kinds == kind
            self.pools[kind] = rates.pooled(self.spoken[rows])
            self.rates[rows] = rates.shrunk(self.spoken[rows], self.pools[kind])

    def _reduced(self, some, share):
        """Rates (m, K, K) of each answer's worker, less the answer's share (m, K) of the counts."""
        counts = self.spoken[some.source]
        counts[np.arange(len(share)), :, some.said] = np.maximum(counts[np.arange(len(share)), :, some.said] - share, 0)
        reduced = np.empty_like(counts)
        for kind, pool in self.pools.items():
            rows = self.kinds[some.source] == kind
            reduced[rows] = rates.shrunk(counts[rows], pool)
        return reduced


class Chosen(Channel):
    """One category out of all, or out of those offered; K = C."""

    def __init__(self, events, kinds, shape):
        fewer = np.zeros(len(events.item), bool) if events.offered is None else ~events.offered.all(axis=1)
        whole = events.some(~fewer)
        self.said = _table(whole.item, whole.source * shape[1] + whole.said, whole.weight, shape[0],
                           len(kinds) * shape[1])  # fmt: skip
        self.answered = _table(whole.item, whole.source, np.ones(len(whole.item)), shape[0], len(kinds))
        self.back = self.said.T.tocsr()
        self.fewer = events.some(fewer)
        self.rounds = _rounds(self.fewer)
        super().__init__(events, kinds, shape, shape[1])

    def evidence(self):
        """Log-likelihood (n, C) of each category, up to a constant a row."""
        evidence = self.said @ np.log(self.rates).transpose(0, 2, 1).reshape(-1, self.categories)
        for rows in self.rounds:  # each item's answers one after the other
            some = self.fewer.some(rows)
            own = rates.chosen(self.rates[some.source], some.said, some.offered)
            evidence[some.item] += some.weight[:, None] * rates.filled(own, evidence[some.item])
        return evidence

    def less(self, rows, evidence):
        """The evidence (m, C) of each of these answers' items without the answer."""
        some = self.events.some(rows)
        own = some.weight[:, None] * rates.chosen(self.rates[some.source], some.said, some.offered)
        return evidence - rates.filled(own, evidence - own)

    def without(self, rows, truth, weight):
        """Likelihood (m, K) of each of these answers by the rates that its worker has without it."""
        some = self.events.some(rows)
        share = truth[some.item] * weight[some.item] * some.weight[:, None]
        reduced = self._reduced(some, share if some.offered is None else share * some.offered)
        own = rates.chosen(reduced, some.said, some.offered)
        return np.exp(rates.filled(own, np.log(np.maximum(truth[some.item], 1e-12))))

    def counts(self, truth, weight):
        truth, some = truth * weight, self.fewer
        spoken = (self.back @ truth).reshape(len(self.kinds), self.categories, self.categories)
        if len(some.item):
            np.add.at(spoken, (some.source, some.said), truth[some.item] * some.offered * some.weight[:, None])
        return spoken.transpose(0, 2, 1)

    def by_source(self, tables):
        """Sums (q, n, C) of the sources' rows of tables (q, U, C) over each item's answers, of what was offered."""
        totals, some = np.array([self.answered @ table for table in tables]), self.fewer
        if len(some.item):
            for total, table in zip(totals, tables, strict=True):
                np.add.at(total, some.item, table[some.source] * some.offered)
        return totals


class Celled(Channel):
    """Yes or no to one cell; K = 2, the truth of the cell being no (0) or yes (1)."""

    def __init__(self, events, kinds, shape):
        self.cell = events.item * shape[1] + events.category
        self.key = events.source * 2 + events.said
        super().__init__(events, kinds, shape, 2)

    def evidence(self):
        """Log-likelihood (n, C) of yes against no."""
        size = self.shape[0] * self.shape[1]
        return np.bincount(self.cell, self.events.weight * self.gain(), minlength=size).reshape(self.shape)

    def gain(self):
        """The same of each answer by itself, (m,)."""
        return np.log(self.rates[:, 1] / self.rates[:, 0]).ravel()[self.key]

    def less(self, rows, evidence):
        """The evidence (m, C) of each of these answers' items without the answer."""
        some, evidence = self.events.some(rows), evidence.copy()
        evidence[np.arange(len(rows)), some.category] -= some.weight * self.gain()[rows]
        return evidence

    def without(self, rows, truth, weight):
        """Likelihood (m, 2) of each of these answers by the rates that its worker has without it."""
        some = self.events.some(rows)
        yes = truth[some.item, some.category]
        weight = np.broadcast_to(weight, truth.shape)[some.item, some.category] * some.weight
        rates = self._reduced(some, np.stack([1 - yes, yes], axis=1) * weight[:, None])
        return rates[np.arange(len(rows)), :, some.said]

    def counts(self, truth, weight):
        truth = truth.ravel()[self.cell]
        weight = self.events.weight * np.broadcast_to(weight, self.shape).ravel()[self.cell]
        size = 2 * len(self.kinds)
        sides = [np.bincount(self.key, weight * side, minlength=size) for side in (1 - truth, truth)]
        return np.stack([side.reshape(-1, 2) for side in sides], axis=1)


def _rounds(some):
    """The rows of every item's first answer, of every item's second, and so on; by source, in whatever order given."""
    order = np.lexsort((some.said, some.source, some.item))
    item = some.item[order]
    nth = np.arange(len(item)) - np.searchsorted(item, item)
    return [order[nth == n] for n in range(nth.max(initial=-1) + 1)]


def _table(row, column, weight, rows, columns):
    return sparse.csr_matrix((weight, (row, column)), (rows, columns))
