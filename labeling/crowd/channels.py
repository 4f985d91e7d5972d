"""A channel carries the answers of one form: workers' rates -> evidence for each item, and truth -> workers' counts."""

import numpy as np
from scipy import sparse

from labeling.crowd import rates
from labeling.crowd.copying import Copying, suspected


class Channel:
    """Answers of one form, by sources of several kinds; a kind's workers are pooled by themselves."""

    def __init__(self, events, kinds, shape, categories, unit, about, begun):
        self.events, self.kinds, self.shape, self.categories = events, kinds, shape, categories
        self.unit, self.about = unit, about  # (m,) what may be copied is about, and what one truth explains
        self.begun = np.stack([rates.begun(rating, answers, categories) for rating, answers in begun])
        self.begin(np.zeros(len(kinds)))

    def begin(self, copies, trials=0):
        """All are newcomers; copies: (U,) shares of copies that are thought of, for so many sweeps in any case."""
        self.pools = dict.fromkeys(np.unique(self.kinds).tolist())
        self.spoken = self.begun
        self.copying = Copying(self.unit, self.events, copies, trials)
        self._rate()

    def suspected(self):
        """The shares of copies (U,) to begin a trial with."""
        return suspected(self.unit, self.events, len(self.kinds))

    def learn(self, truth, weight):
        """Renew copies, counts, pools and rates from the truth (n, C) as it is believed."""
        spoken, rows = self.counts(truth, weight), self.copying.rows
        if len(rows):
            some, sides = self.events.some(rows), self.sides(rows, truth)
            copied = self.copying.copied(self.mixed)
            spoken = spoken - _summed(some.source * self.categories + some.said,
                                      sides * copied * self.worth(rows, weight), spoken)  # fmt: skip
            self.copying.learn(sides, self.alone, copied)
        self.spoken = np.maximum(spoken, 0).transpose(0, 2, 1) + self.begun
        self._rate()

    def _rate(self):
        self.rates = np.empty(self.spoken.shape)
        for kind in self.pools:
            rows = self.kinds == kind
            self.pools[kind] = rates.pooled(self.spoken[rows])
            self.rates[rows] = rates.shrunk(self.spoken[rows], self.pools[kind])
        some = self.events.some(self.copying.rows)
        self.alone = self.rates[some.source, :, some.said]
        self.mixed = self.copying.mixed(self.copying.rows, self.alone)

    def doubted(self):
        """Whether each answer (m,) is by somebody who copies."""
        return (self.copying.share > 0)[self.events.source]

    def rightly(self, truth):
        """How likely each answer (m,) is right, from the truth (n, C) as it is believed."""
        rows = np.arange(len(self.events.item))
        return self.sides(rows, truth)[rows, self.events.said]

    def alike(self, rows):
        """(m,) a number that answers share which say the same by the same rates."""
        key = (self.events.source[rows] * self.shape[1] + self.events.category[rows]) * 2 + self.events.said[rows] % 2
        return np.where(self.copying.later[rows] | _few(self.events.some(rows)), -1 - rows, key)

    def evidence(self):
        """Log-likelihood (n, C): of each category up to a constant a row, or of yes against no."""
        evidence, rows = self.independent(), self.copying.rows
        return evidence + self.placed(rows, np.log(self.mixed / self.alone)) if len(rows) else evidence

    def likelihood(self, rows, tables):
        """Log-likelihood (m, K) of these answers by tables of rates (m, K, K), copied or not."""
        some, later = self.events.some(rows), self.copying.later[rows]
        logs = rates.chosen(tables, some.said, some.offered)
        logs[later] = np.log(self.copying.mixed(rows[later], np.exp(logs[later])))
        return logs

    def without(self, rows, truth, weight):
        """Rates (m, K, K) of the worker of each of these answers without it."""
        some, share = self.events.some(rows), self.sides(rows, truth) * self.worth(rows, weight)
        share = share if some.offered is None else share * some.offered
        counts, at = self.spoken[some.source], np.arange(len(share))
        counts[at, :, some.said] = np.maximum(counts[at, :, some.said] - share, 0)
        reduced = np.empty_like(counts)
        for kind, pool in self.pools.items():
            rows = self.kinds[some.source] == kind
            reduced[rows] = rates.shrunk(counts[rows], pool)
        return reduced


class Chosen(Channel):
    """One category out of all, or out of those offered; K = C."""

    def __init__(self, events, kinds, shape, begun, exclusive=True):
        whole, self.fewer = _offered_all(events)
        self.said = _table(whole.item, whole.source * shape[1] + whole.said, whole.weight, shape[0],
                           len(kinds) * shape[1])  # fmt: skip
        self.whole = whole
        self.back = self.said.T.tocsr()
        self.rounds = _rounds(self.fewer)
        self.places, self.before = (
            np.flatnonzero(_few(events)),
            None,
        )  # what was said before (m, C) where fewer were offered
        super().__init__(events, kinds, shape, shape[1], events.item, events.item, begun)

    def independent(self):
        """Log-likelihood (n, C) of each category, if nobody copied."""
        evidence = self.said @ np.log(self.rates).transpose(0, 2, 1).reshape(-1, self.categories)
        self.before = None if self.events.offered is None else evidence[self.events.item]
        for rows in self.rounds:  # each item's answers one after the other
            some = self.fewer.some(rows)
            self.before[self.places[rows]] = evidence[some.item]
            own = rates.chosen(self.rates[some.source], some.said, some.offered)
            evidence[some.item] += some.weight[:, None] * rates.filled(own, evidence[some.item])
        return evidence

    def placed(self, rows, logs):
        """Log-likelihoods (m, C) of these answers, summed over each item's (n, C)."""
        return _summed(self.events.item[rows], logs * self.events.weight[rows, None], np.empty(self.shape))

    def denied(self):
        return 0.0

    def told(self, rows, tables):
        """Log-likelihood (m, C) of these answers by each category that may be seen; tables: rates (m, C, C)."""
        own = self.likelihood(rows, tables)
        return own if self.before is None else rates.filled(own, self.before[rows])

    def sides(self, rows, truth):
        return truth[self.events.item[rows]]

    def worth(self, rows, weight):
        return weight[self.events.item[rows]] * self.events.weight[rows, None]

    def counts(self, truth, weight):
        """Expected counts (U, K, K) [worker, said, truth], if nobody copied."""
        truth, some = truth * weight, self.fewer
        spoken = (self.back @ truth).reshape(len(self.kinds), self.categories, self.categories)
        if len(some.item):
            np.add.at(spoken, (some.source, some.said), truth[some.item] * some.offered * some.weight[:, None])
        return spoken

    def by_source(self, tables):
        """Sums (q, n, C) of the sources' rows of tables (q, U, C) over each item's answers, of what was offered."""
        some, whole = self.fewer, self.whole
        answered = _table(whole.item, whole.source, np.ones(len(whole.item)), self.shape[0], len(self.kinds))
        totals = np.array([answered @ table for table in tables])
        if len(some.item):
            for total, table in zip(totals, tables, strict=True):
                np.add.at(total, some.item, table[some.source] * some.offered)
        return totals


class Celled(Channel):
    """Yes or no to one cell; K = 2, the truth of the cell being no (0) or yes (1)."""

    def __init__(self, events, kinds, shape, begun, exclusive):
        self.cell = events.item * shape[1] + events.category
        self.key = events.source * 2 + events.said
        super().__init__(events, kinds, shape, 2, self.cell, events.item if exclusive else self.cell, begun)

    def independent(self):
        """Log-likelihood (n, C) of yes against no, if nobody copied."""
        gain = np.log(self.rates[:, 1] / self.rates[:, 0]).ravel()[self.key]
        size = self.shape[0] * self.shape[1]
        return np.bincount(self.cell, self.events.weight * gain, minlength=size).reshape(self.shape)

    def placed(self, rows, logs):
        """Log-likelihoods (m, 2) of these answers, summed over each cell's (n, C)."""
        gain = (logs[:, 1] - logs[:, 0]) * self.events.weight[rows]
        return np.bincount(self.cell[rows], gain, minlength=self.shape[0] * self.shape[1]).reshape(self.shape)

    def denied(self):
        """Log-likelihood of all answers, were the truth of every cell no."""
        rows = np.arange(len(self.cell))
        own = self.rates[self.events.source, :1, self.events.said]
        return self.events.weight @ np.log(self.copying.mixed(rows, own)[:, 0])

    def told(self, rows, tables):
        """Log-likelihood of these answers by what is seen: no or yes (m, 2), or if one truth explains all cells of an
        item the category (m, C); tables: rates (m, 2, 2)."""
        logs = self.likelihood(rows, tables)
        if self.about is self.cell:
            return logs
        asked = self.events.category[rows][:, None] == np.arange(self.shape[1])
        return np.where(asked, logs[:, 1:] - logs[:, :1], 0.0)

    def sides(self, rows, truth):
        yes = truth.ravel()[self.cell[rows]]
        return np.stack([1 - yes, yes], axis=1)

    def worth(self, rows, weight):
        return (np.broadcast_to(weight, self.shape).ravel()[self.cell[rows]] * self.events.weight[rows])[:, None]

    def counts(self, truth, weight):
        truth = truth.ravel()[self.cell]
        weight = self.events.weight * np.broadcast_to(weight, self.shape).ravel()[self.cell]
        size = 2 * len(self.kinds)
        sides = [np.bincount(self.key, weight * side, minlength=size) for side in (1 - truth, truth)]
        return np.stack(sides, axis=1).reshape(-1, 2, 2)


def _summed(at, values, like):
    """The rows (m, K) of `values` summed where they are `at` (m,), in the shape of `like`, whose last axis is K."""
    rows = like.size // max(like.shape[-1], 1)
    return (_table(at, np.arange(len(at)), np.ones(len(at)), rows, len(at)) @ values).reshape(like.shape)


def _offered_all(events):
    """(choices among all categories, choices among fewer)."""
    if events.offered is None:
        return events, events.some(slice(0))
    fewer = _few(events)
    return events.some(~fewer), events.some(fewer)


def _few(events):
    """Which choices (m,) were among fewer than all categories."""
    return np.zeros(len(events.item), bool) if events.offered is None else ~events.offered.all(axis=1)


def _rounds(some):
    """The rows of every item's first answer, of every item's second, and so on; by source, in whatever order given."""
    order = np.lexsort((some.said, some.source, some.item))
    item = some.item[order]
    nth = np.arange(len(item)) - np.searchsorted(item, item)
    return [order[nth == n] for n in range(nth.max(initial=-1) + 1)]


def _table(row, column, weight, rows, columns):
    return sparse.csr_matrix((weight, (row, column)), (rows, columns))
