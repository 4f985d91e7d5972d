"""One model of evidence for a whole project, fitted by sweeps: believe the truth, rate the workers, believe anew.

Dawid and Skene (Applied Statistics 28, 1979) with every worker shrunk to the kind's workers. What breaks the free form
is held: a lone answer hardly rates its worker, the class prior is flat until overlapping answers clearly say otherwise,
copies are no witnesses, and some items look like what they are not, so people's errors about one item are alike.
"""

from copy import copy
from functools import cached_property

import numpy as np
from scipy.special import betaln, logsumexp

from labeling.crowd import heldout, telling, trusting
from labeling.crowd.answers import read, sample
from labeling.crowd.channels import Celled, Chosen
from labeling.crowd.copying import TRIALS
from labeling.crowd.degrees import degrees
from labeling.crowd.looks import sides
from labeling.crowd.online import LONE, Row
from labeling.crowd.posteriors import ASKED, OPEN, asked_about, best, posterior, with_gold
from labeling.crowd.workers import workers_of

SWEEPS = 10
OVERLAP = {True: 3, False: 2}  # answers to an exclusive item, to a cell, that let its truth tell how frequent it is
CLEARLY = 2.0  # standard errors by which a frequency has to leave an even spread
FORGOTTEN = 3  # sweeps after which what was known beforehand is forgotten
FEW = 0.45  # of all answers at most come from copiers; were they more, nobody could tell who copies whom
SAMPLE = 100_000  # answers in which to look for copies; more would find hardly more
NOTHING = (0.0, 0.0)  # known of a worker beforehand
DOUBT = 10.0  # items of each category that an even spread weighs as much as


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
    evidence_ : (n, C) log-likelihood from people alone, in nats; 0 where nobody judged. Of yes against no,
        or if exclusive of each category, up to a constant a row, the best being 0.
    probas_ : (n, C) posterior probability, prior and gold included; rows sum to one if exclusive.
    degrees_ : Degrees of (n, C), the rate-corrected share of people who say yes and its standard error.
    judgments_ : (n, C) or if exclusive (n, 1) number of answers.
    base_ : (C,) how frequent the categories are, as far as overlapping answers tell.
    asked_ : {kind: how often a single category of an exclusive item was asked about rightly}.
    raw_ : (n, C) log-likelihood if every item looked like what it is.
    pools_ : {(kind, K): Pool}, how the kind's workers do together.
    workers_ : Workers.
    blend_ : trust in the prior, 0 = answers alone.
    looks_ : Looks, what share of the items looks half or wholly like another category.
    """

    def __init__(self, exclusive=True, sweeps=SWEEPS):
        self.exclusive = exclusive
        self.sweeps = sweeps

    def fit(self, answers, gold=None, prior=None, mass=None, shape=None, begun=None):
        """Aggregate `answers`: an Answers, Choices, or a list of such tables.

        gold: arrays (item, category, value) of known cells. prior: (n, C) probabilities, of each item without its own
        answers. mass: (n,) evidence near the item, in answers, that damps a prior made from little. shape: (n, C); by
        default the prior's, else as many as the answers number. begun: {worker: (rating, answers that it weighs as much
        as)} of whom something is known beforehand. Raises ValueError naming the column that is wrong.
        """
        self.__dict__.pop("degrees_", None)
        shape = np.shape(prior) if shape is None and prior is not None else shape
        self.log_ = read(answers, self.exclusive, shape, gold)
        self.gold_ = gold
        self.begun_ = [(begun or {}).get(name, NOTHING) for name in self.log_.worker.tolist()]
        self._open()
        self._settle()
        self._doubt(self._copies())
        return self._close(prior, mass)

    @cached_property
    def degrees_(self):
        return degrees(self)

    def rows(self):
        """Each item as `update` takes it."""
        raw, torn = heldout.sums(self, np.arange(self.units()))
        if not self.exclusive:
            raw, torn = self.raw_, (torn[:, 0, 1] - raw[:, 0]).reshape(self.log_.shape)
        return [Row(*row) for row in zip(raw, torn, self.judgments_, strict=True)]

    def width(self):
        """Categories that one truth decides among."""
        return self.log_.shape[1] if self.exclusive else 2

    def units(self):
        """What has a truth of its own: items, or cells where categories are not exclusive."""
        return self.log_.shape[0] if self.exclusive else self.log_.shape[0] * self.log_.shape[1]

    def prior_at(self, unit, prior):
        """(m, K) or (K,) of these units, from a prior (C,) or (n, C)."""
        if self.exclusive:
            return prior if prior.ndim == 1 else prior[unit]
        return sides(np.broadcast_to(prior, self.log_.shape).ravel()[unit])

    def _open(self):
        log = self.log_
        forms = [(form, events) for form, events in ((Chosen, log.choices), (Celled, log.cells)) if len(events.item)]
        self.channels_ = [form(events, log.kind, log.shape, self.begun_, self.exclusive) for form, events in forms]
        self.judgments_, self.fewer_ = _judgments(log, self.exclusive), _fewer(log)
        self.single_ = _single(log, self.exclusive)
        checked = _checked(self.gold_, log.shape, self.exclusive)
        self.weight_ = np.where((self.judgments_ <= 1) & ~checked, LONE, 1.0)

    def _settle(self, copies=None, trials=None):
        """Sweep from newcomers on; copies: shares of copies (U,) to think of in each channel, at least so long."""
        self.base_, self.truth_ = _flat(self.log_.shape[1], self.exclusive), np.zeros(self.log_.shape)
        self.asked_ = dict.fromkeys(np.unique(self.single_[2]).tolist(), ASKED)
        for n, channel in enumerate(self.channels_):
            channel.begin(np.zeros(len(channel.kinds)) if copies is None else copies[n], trials or 0)
        for _ in range(self.sweeps if trials is None else trials + 1):
            self._sweep()

    def _copies(self):
        """Shares of copies (U,) that may be, for each channel; of a large log, as a part of it makes them out."""
        part, gold = sample(self.log_, self.gold_, SAMPLE) if self.sweeps else (self.log_, None)
        if part is self.log_:
            return self._tried() if self.sweeps else []
        model = Consensus(self.exclusive, TRIALS)
        model.log_, model.gold_, model.begun_ = part, gold, self.begun_
        model._open()
        model._settle()
        model._doubt(model._tried())
        return model._shares(self.channels_)

    def _tried(self):
        trial = self._twin()
        trial._settle([channel.suspected() for channel in trial.channels_], TRIALS)
        return trial._shares(self.channels_)

    def _shares(self, channels):
        found = {type(channel): channel.copying.share for channel in self.channels_}
        return [found.get(type(channel), np.zeros(len(channel.kinds))) for channel in channels]

    def _doubt(self, copies):
        """Settle anew with those who may have copied, if they are few and that explains all answers better, by more
        than it takes to name them: one of all the ways to name so many, and their shares."""
        if not any(shares.any() for shares in copies):
            return
        alone = self._twin()
        self._settle(copies)
        shares = np.concatenate(self._shares(self.channels_))
        found = (shares > 0).sum()
        likelier = self._likelihood() - found > alone._likelihood() - betaln(found + 1, len(shares) - found + 1)
        if not likelier or np.mean(np.concatenate([channel.doubted() for channel in self.channels_])) > FEW:
            self.__dict__.update(alone.__dict__)

    def _unknowing(self):
        """The model as it would be if nothing were known beforehand; None if nothing is."""
        if self.gold_ is None:
            return None
        twin = self._twin()
        twin.gold_ = None
        for _ in range(FORGOTTEN):
            twin._sweep()
        twin.raw_ = twin._raw()
        return twin

    def _twin(self):
        twin = copy(self)
        twin.channels_ = [copy(channel) for channel in self.channels_]
        return twin

    def _likelihood(self):
        """Log-likelihood of all answers, in nats, if every item looked like what it is."""
        raw, base = self._raw(), np.clip(self.even(), OPEN, 1 - OPEN)
        if self.exclusive:
            whole = logsumexp(raw + np.log(base), axis=1)
        else:
            whole = np.logaddexp(np.log(1 - base), np.log(base) + raw)
        return whole.sum() + sum(channel.denied() for channel in self.channels_)

    def _sweep(self):
        self.truth_ = self.known(posterior(self._raw(), self.even(), self.exclusive))
        for channel in self.channels_:
            channel.learn(self.truth_, self.weight_)
        self.base_, self.asked_ = self._frequent(self.truth_), self._answered(self.truth_)

    def even(self):
        """The prior that people's answers alone give: (C,), or (n, C) if single categories were asked about."""
        item, category, kind = self.single_
        if not len(item):
            return self.base_
        share = np.full(self.log_.shape, np.nan)
        share[item, category] = [self.asked_[name] for name in kind.tolist()]
        return asked_about(self.base_, share)

    def _answered(self, truth):
        """{kind: share of single categories asked about that are the item's}, as far as overlapping answers tell."""
        item, category, kind = self.single_
        often = self.judgments_[item, 0] > 1 if len(item) else item
        found = {}
        for name in self.asked_:
            rows = (kind == name) & often
            found[name] = (truth[item[rows], category[rows]].sum() + ASKED * DOUBT) / (rows.sum() + DOUBT)
        return found

    def _raw(self):
        return sum((channel.evidence() for channel in self.channels_), np.zeros(self.log_.shape))

    def known(self, cells):
        return with_gold(cells, self.gold_, self.exclusive)

    def _frequent(self, truth):
        """Share of each category among items judged often enough, shrunk to an even spread, which it has to leave
        clearly. An item that was not offered every category counts as evenly spread.
        """
        flat = _flat(truth.shape[1], self.exclusive)
        often = (self.judgments_ >= OVERLAP[self.exclusive]) & (self.fewer_ == 0)
        count, seen = often.sum(axis=0), np.einsum("nc,nc->c", truth, np.broadcast_to(often, truth.shape))
        clear = (seen - count * flat) ** 2 > CLEARLY**2 * count * flat * (1 - flat)
        doubt = DOUBT / flat[:1] + (self.fewer_ > 0).sum()
        return np.where(clear.any() if self.exclusive else clear, (seen + doubt * flat) / (count + doubt), flat)

    def _close(self, prior, mass):
        raw = self.raw_ = self._raw()
        self.pools_ = {(kind, one.categories): one.pools[kind] for one in self.channels_ for kind in one.pools}
        self.looks_ = telling.told(self, self._unknowing())
        self.evidence_ = heldout.believed(self, self.looks_)
        if self.exclusive and raw.size:
            self.evidence_ = self.evidence_ - best(self.evidence_)[:, None]
        self.prior_, self.blend_ = trusting.trusted(self, prior, mass)
        self.probas_ = self.known(posterior(self.evidence_, self.prior_, self.exclusive))
        self.workers_ = workers_of(self)
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
        return np.zeros((1, 1))
    return np.bincount(log.choices.item, ~log.choices.offered.all(axis=1), log.shape[0])[:, None]


def _single(log, exclusive):
    """(items, categories, kinds) of exclusive items of which nobody was asked more than single categories."""
    cells = log.cells
    rows = np.flatnonzero(~np.isin(cells.item, log.choices.item)) if exclusive else np.zeros(0, int)
    _, first = np.unique(cells.item[rows] * log.shape[1] + cells.category[rows], return_index=True)
    rows = rows[first]
    return cells.item[rows], cells.category[rows], log.kind[cells.source[rows]]


def _flat(categories, exclusive):
    return np.full(categories, 1 / max(categories, 1) if exclusive else 0.5)


def _checked(gold, shape, exclusive):
    """Where the truth is known beforehand: (n, 1) items or (n, C) cells."""
    checked = np.zeros(shape, bool)
    if gold is not None:
        checked[np.asarray(gold[0]), np.asarray(gold[1])] = True
    return checked.any(axis=1, keepdims=True) if exclusive else checked
