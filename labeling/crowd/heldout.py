"""What the answers about an item say together, and what the others say of it where one is held out.

A unit is what has a truth of its own: an item, or a cell where categories are not exclusive. An answer is held out by
taking its likelihood from its unit's and its count from its worker's.
"""

import numpy as np
from scipy import sparse

from labeling.crowd import looks as looking

PART = 8_000_000  # numbers at a time
MOST = 40_000  # answers held out, divided by the categories; more would not change what is chosen by them


def believed(model, looks):
    """Evidence (n, C) of people alone from a model's answers, where items look so."""
    size, units = model.width(), np.arange(model.units())
    found = np.zeros((len(units), size))
    for part in parts(len(units), model):
        raw, torn = sums(model, units[part])
        found[part] = looking.evidence(raw, torn, looks_of(model, looks, units[part]))
    return found if model.exclusive else (found[:, 1] - found[:, 0]).reshape(model.log_.shape)


def looks_of(model, looks, units):
    """The Looks of these units (m,)."""
    if model.exclusive:
        return looks
    columns = units % model.log_.shape[1]
    return looking.Looks(looks.half[columns], looks.whole[columns])


def sums(model, units, tables=None):
    """(raw (k, K), torn (k, K, K)) of these units; tables: rates (U, K, K) for each channel, its own if None."""
    size = model.width()
    place, pairs = np.full(model.units(), -1), np.triu_indices(size, 1)
    place[units] = np.arange(len(units))
    raw, torn = np.zeros((len(units), size)), np.zeros((len(units), len(pairs[0])))
    for n, channel in enumerate(model.channels_):
        rows = np.flatnonzero(place[channel.about] >= 0)
        first, alike = np.unique(channel.alike(rows), return_index=True, return_inverse=True)[1:]
        some = rows[first]
        table = (channel.rates if tables is None else tables[n])[channel.events.source[some]]
        logs = channel.told(some, table)
        add = sparse.csr_matrix((channel.events.weight[rows], (place[channel.about[rows]], alike)),
                                (len(units), len(some)))  # fmt: skip
        raw += add @ logs
        torn += add @ looking.torn(logs, *pairs)
    whole = np.zeros((len(units), size, size))
    whole[:, pairs[0], pairs[1]] = whole[:, pairs[1], pairs[0]] = torn
    return raw, whole


def others(channel, model, rows, tables=None):
    """(raw (m, K), torn (m, K, K)) of the units of these answers without the answer; tables: as `sums` takes them."""
    some = channel.events.some(rows)
    units, at = np.unique(channel.about[rows], return_inverse=True)
    raw, torn = sums(model, units, tables)
    used = channel.rates if tables is None else tables[model.channels_.index(channel)]
    logs = channel.told(rows, used[some.source])
    return raw[at] - some.weight[:, None] * logs, torn[at] - some.weight[:, None, None] * looking.halves(logs)


def parts(many, model):
    step = max(PART // max(model.width() ** 2 * 8, 1), 1)
    return [slice(start, start + step) for start in range(0, many, step)]


class HeldOut:
    """Answers of one channel with what the others of their units say, and how their workers answer without them."""

    def __init__(self, channel, model, rows):
        some = channel.events.some(rows)
        self.channel, self.model, self.rows, self.unit = channel, model, rows, channel.about[rows]
        self.item, self.category, self.weight = some.item, some.category, some.weight
        self.rates = channel.without(rows, model.truth_, model.weight_)
        self.read()

    def read(self, sharp=None):
        """Hear all anew; sharp: the Looks by which workers' rates are averages over items of every look, None to take
        them as they are."""
        tables = sharp and [looking.plain(one.rates, sharp) for one in self.model.channels_]
        self.raw, self.torn = others(self.channel, self.model, self.rows, tables)
        rates = looking.plain(self.rates, sharp) if sharp else self.rates
        self.own = np.exp(self.channel.told(self.rows, rates))  # (m, K)
        return self

    def foretold(self, looks, prior):
        """Log-probability (m,) of each answer; prior: (C,), or (n, C)."""
        prior, looks = self.model.prior_at(self.unit, prior), looks_of(self.model, looks, self.unit)
        seen = looking.seen(self.raw, self.torn, prior, looks)
        return self.weight * np.log(np.maximum((seen * self.own).sum(axis=1), 1e-9))


def heldout(model):
    """HeldOut of about MOST answers, all of some items, for each channel."""
    every = -(-sum(len(one.events.item) for one in model.channels_) // max(MOST // max(model.width(), 1), 1))
    return [HeldOut(channel, model, np.flatnonzero(channel.events.item % every == 0)) for channel in model.channels_]
