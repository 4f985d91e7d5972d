"""Workers who repeat what others have said: an answer that was copied is no second witness.

A worker's answer is the worker's own, or with the worker's share of copies one of the earlier answers about the same
item, at random; sources that share their errors are not independent (Dong, Berti-Equille and Srivastava, VLDB 2009).
Whoever agrees with others more than people do is suspected, and cleared unless that explains the answers clearly
better: who is only often right disagrees with earlier answers that are wrong, a copier does not; and who always says
the same need not look at others.
"""

import numpy as np

SUSPECT = 0.5  # standard errors above the crowd's agreement
START = 0.5  # share of copies that a suspect begins with: believed at first, copies would make themselves the truth
WEIGHT = 2.0  # answers, half of them copied, that a share starts from
TRIALS = 4  # sweeps before anybody is cleared
CLEAR, PART = 3.0, 0.2  # nats by which copying has to explain a worker's answers better, and of those unexplained


class Copying:
    """Shares of copies among the answers of one form.

    unit: (m,) what each answer is about, item or cell; share: (U,), none where 0. Answers that say nothing, or were
    chosen out of fewer categories than all, are taken as their workers' own. rows: (m',) those that may be copies.
    """

    def __init__(self, unit, events, share, trials=0):
        self.share, self.source, self.trials = share, events.source, trials
        self.before, self.later = np.zeros(len(unit)), np.zeros(len(unit), bool)
        if share.any():
            among = np.flatnonzero((np.bincount(unit, share[self.source] > 0) > 0)[unit])
            self.before[among], self.later[among] = earlier(unit[among], events.said[among])
        self.later &= (share > 0)[self.source] & (events.weight > 0)
        if events.offered is not None:
            self.later &= events.offered.all(axis=1)
        self.rows = np.flatnonzero(self.later)
        self.habit = _habit(self.source[self.rows], events.said[self.rows], len(share))

    def mixed(self, rows, own):
        """Likelihood (m, K) of these answers, given that (m, K) of what the workers say by themselves."""
        share = (self.share[self.source[rows]] * self.later[rows])[:, None]
        return (1 - share) * own + share * self.before[rows, None]

    def copied(self, mixed):
        """Probability (m', K) that each answer of `rows` was copied, under each truth; mixed: (m', K)."""
        return (self.share[self.source[self.rows]] * self.before[self.rows])[:, None] / mixed

    def learn(self, truth, own, copied):
        """Renew the shares from the truth (m', K) as it is believed about the answers of `rows`."""
        source, size = self.source[self.rows], len(self.share)
        copies = np.bincount(source, (truth * copied).sum(axis=1), minlength=size)
        share = (copies + WEIGHT / 2) / (np.bincount(source, minlength=size) + WEIGHT)
        self.share, self.trials = np.where(self.share > 0, share, 0.0), self.trials - 1
        if self.trials < 0:
            self._clear(source, (truth * own).sum(axis=1))

    def _clear(self, source, alone):
        share = self.share[source]
        mixed = share * self.before[self.rows] + (1 - share) * alone
        loss, left = (-np.bincount(source, np.log(one), minlength=len(self.share)) for one in (alone, mixed))
        loss = np.minimum(loss, self.habit)
        self.share = np.where(loss - left < np.maximum(CLEAR, PART * loss), 0.0, self.share)
        self.later = self.later & (self.share > 0)[self.source]
        self.rows = np.flatnonzero(self.later)


def earlier(unit, said):
    """(share of the earlier answers about the same that say the same, whether there are any), (m,), in order given."""
    order = np.argsort(unit, kind="stable")
    nth, same = np.empty(len(unit)), np.empty(len(unit))
    nth[order] = _nth(unit[order])
    key = unit * (said.max(initial=0) + 1) + said
    order = np.argsort(key, kind="stable")
    same[order] = _nth(key[order])
    return same / np.maximum(nth, 1), nth > 0


def suspected(unit, events, sources):
    """The shares of copies (U,) to begin with: START for whoever agrees with others more than people do, else 0."""
    if not len(unit):
        return np.zeros(sources)
    others = np.bincount(unit)[unit] - 1
    key = unit * (events.said.max() + 1) + events.said
    agree = (np.bincount(key)[key] - 1) / np.maximum(others, 1)
    judged = np.maximum(np.bincount(events.source, others > 0, minlength=sources), 1)
    usual = agree.sum() / judged.sum()
    own = np.bincount(events.source, agree, minlength=sources) / judged
    return np.where(own > usual + SUSPECT * np.sqrt(usual * (1 - usual) / judged), START, 0.0)


def _habit(source, said, sources):
    """Nats (U,) that these answers take if workers say what they like to say, whatever it is about."""
    width = said.max(initial=0) + 1
    key = source * width + said
    counts = np.bincount(key, minlength=sources * width)
    usual = (counts.reshape(sources, width) + 1) / (counts.reshape(sources, width).sum(axis=1, keepdims=True) + width)
    return -np.bincount(source, np.log(usual.ravel()[key]), minlength=sources)


def _nth(ordered):
    """How many equal ones stand before each."""
    start = np.flatnonzero(np.diff(ordered, prepend=-1))
    return np.arange(len(ordered)) - np.repeat(start, np.diff(start, append=len(ordered)))
