"""Who repeats the answers of one who answered before, the wrong ones too, beyond what truth and illusions explain.

A copier and the one copied vouch for each other, and a model that hears both takes their errors for the truth. So each
suspect is held against what the others make of the items alone, and who is found out is not heard any more.
"""

from typing import NamedTuple

import numpy as np

from labeling.crowd import rates
from labeling.crowd.fitting import Consensus
from labeling.crowd.watching import FEWEST, believed, cell_weight, order

COPIED = 0.5  # of the answers of who copies
ENOUGH = 100_000  # pairs of answers to learn from how alike people are
BESIDE = 12  # answers about one cell or item that are compared with each other
SUSPECTS, ROUNDS = 4, 8  # of the workers most like another so many are weighed at a time, so many times
SWEEPS = 4  # of a fit without somebody: it begins with all others, who are many
SURE = np.log(20)  # by how much beyond the number of workers a suspect is found out, so that others are judged fairly
NOBODY, NOTHING = -1, -99.0
ALIKE = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)


class Copying(NamedTuple):
    """One row a worker. odds: log e-value (NOTHING: not even suspected, -inf: too few answers); other: whose answers
    were repeated most (NOBODY: whoever had spoken first); same: of the `erred` answers of theirs that were wrong, those
    repeated; usual: the share of such errors that people repeat."""

    odds: np.ndarray
    other: np.ndarray
    same: np.ndarray
    erred: np.ndarray
    usual: np.ndarray


class Said(NamedTuple):
    """Answers (m,) of one form: its channel, places of the workers, when, weight; `late` and `early` (p,) number two
    answers about one unit by different workers, `first` (p,) whether the earlier was the first about it."""

    channel: object
    place: np.ndarray
    when: np.ndarray
    weight: np.ndarray
    late: np.ndarray
    early: np.ndarray
    first: np.ndarray

    @property
    def same(self):
        return self.channel.events.said[self.late] == self.channel.events.said[self.early]


def copying(model, answers, workers, excused=None):
    """Copying of each worker in a fitted Consensus; `answers`: what it was fitted on, in the order of answering.

    The wager: half the answers are the other's rather than the worker's own. A worker's e-value is half the mean over
    all who might have been followed and half that of following the first, so that many pairs raise no false alarm.
    excused: {worker: row}; rows before are not held against the worker.
    """
    forms = [_said(channel, model, answers, workers, excused or {}) for channel in model.channels_]
    pairs, likeness = _likeness(forms, len(workers))
    usual, alike = _usual(forms, model, len(workers))
    odds = np.where(pairs >= FEWEST, NOTHING, -np.inf)
    found = Copying(
        odds, np.full(len(workers), NOBODY), *np.zeros((2, len(workers)), int), np.full(len(workers), usual)
    )
    out: list[int] = []
    for _ in range(ROUNDS):
        suspects = [at for at in np.argsort(-likeness) if np.isfinite(odds[at]) and likeness[at] > 1 and at not in out]
        for at in suspects[:SUSPECTS]:
            for column, value in zip(found, _weighed(at, out, forms, model, answers, workers, alike), strict=False):
                column[at] = value
        worst = max(suspects[:SUSPECTS], key=lambda at: odds[at], default=None)
        if worst is None or odds[worst] < SURE + np.log(len(workers)):
            break
        out.append(worst)
    return found


def _said(channel, model, answers, workers, excused):
    events = channel.events
    when = order(events, model.log_.worker, answers)
    place = np.searchsorted(workers, model.log_.worker)[events.source]
    since = np.array([excused.get(name, 0) for name in workers.tolist()])
    by_unit = np.lexsort((when, channel.unit))
    unit, at = channel.unit[by_unit], np.arange(len(by_unit))
    first = np.searchsorted(unit, unit)
    late = np.concatenate([at[lag:][unit[lag:] == unit[:-lag]] for lag in range(1, min(BESIDE, len(at)))] or [at[:0]])
    lag = np.concatenate([np.full((unit[lag:] == unit[:-lag]).sum(), lag) for lag in range(1, min(BESIDE, len(at)))]
                         or [at[:0]])  # fmt: skip
    leads = first[late] == late - lag
    late, early = by_unit[late], by_unit[late - lag]
    some = (place[late] != place[early]) & (when[late] >= since[place[late]])
    weight = cell_weight(events, hasattr(channel, "cell"))
    return Said(channel, place, when, weight, late[some], early[some], leads[some])


def _likeness(forms, workers):
    """(W,) answers that come after another's; (W,) standard errors by which the likest pair agrees more than others."""
    columns = [(form.place[form.late], form.place[form.early], form.same, form.first) for form in forms]
    later, earlier, same, first = (np.concatenate(column) for column in zip(*columns, strict=True))
    share = np.clip(same.mean(), 0.01, 0.99) if len(same) else 0.5
    best = np.full(workers, -np.inf)
    for key, rows in ((later * (workers + 1) + earlier, slice(None)), (later * (workers + 1) + workers, first)):
        pair, count = np.unique(key[rows], return_counts=True)
        agreed = np.bincount(np.searchsorted(pair, key[rows]), same[rows], minlength=len(pair))
        excess = (agreed - count * share) / np.sqrt(count * share * (1 - share))
        np.maximum.at(best, pair // (workers + 1), np.where(count >= FEWEST // 2, excess, -np.inf))
    return np.bincount(later, minlength=workers), best


def _usual(forms, model, workers):
    """(share of wrong answers that people repeat, how alike their answers are beyond the model: the median of what
    explains each worker's best)."""
    repeated = wrong = 0
    fits = np.zeros((len(ALIKE), workers))
    for form in forms:
        every = slice(None, None, 1 + len(form.late) // ENOUGH)
        late, early, same = form.late[every], form.early[every], form.same[every]
        truth = _truth(form, late, model, own=True)
        own = _own(form.channel, form.channel.rates[form.channel.events.source[late]], late, truth)
        erred = form.channel.events.said[early] != truth.argmax(axis=1)
        repeated, wrong = repeated + (erred & same).sum(), wrong + erred.sum()
        for at, share in enumerate(ALIKE):
            gain = np.where(same, np.log(own + share * (1 - own)), np.log(1 - share))
            fits[at] += np.bincount(form.place[late], gain, minlength=workers)
    seen = sum((np.bincount(form.place[form.late], minlength=workers) for form in forms), np.zeros(workers)) >= FEWEST
    best = np.array(ALIKE)[fits.argmax(axis=0)]
    return repeated / max(wrong, 1), float(np.median(best[seen])) if seen.any() else 0.0


def _weighed(at, out, forms, model, answers, workers, alike):
    """(odds, other, same, erred) of one worker, held against what all others but those found out make of it."""
    heard = ~np.isin(answers.worker, workers[[at, *out]])
    rest = type(answers)(*(None if column is None else np.asarray(column)[heard] for column in answers))
    model = Consensus(model.exclusive, SWEEPS).fit(rest, gold=model.gold_, shape=model.log_.shape)
    other, gain, first, wrong, same = (np.concatenate(columns) for columns in zip(*(
        _wagered(at, form, model, alike) for form in forms), strict=True))  # fmt: skip
    sums = np.bincount(other, gain, minlength=len(workers))
    partners = np.unique(other)
    best = partners[np.argmax(sums[partners])]
    one = np.logaddexp.reduce(sums[partners]) - np.log(len(partners))
    crowd = gain[first].sum()
    rows = first if crowd > one else other == best
    return (
        np.logaddexp(one, crowd) - np.log(2),
        NOBODY if crowd > one else best,
        (wrong & same)[rows].sum(),
        wrong[rows].sum(),
    )


def _wagered(at, form, model, alike):
    """Of each of the worker's answers after another's: whose, the wager's gain, was it the first, wrong, the same?"""
    rows = form.place[form.late] == at
    late, early, same = form.late[rows], form.early[rows], form.same[rows]
    truth = _truth(form, late, model)
    own = _own(form.channel, _rates(at, form, model)[form.channel.events.source[late]], late, truth)
    own = own + alike * (1 - own) * same
    gain = form.weight[late] * np.log(1 - COPIED + COPIED * same / own)
    wrong = form.channel.events.said[early] != truth.argmax(axis=1)
    return form.place[early], gain, form.first[rows], wrong, same


def _truth(form, rows, model, own=False):
    """(m, K) truth of these answers' units as a model has it; own: they were heard there and are taken out."""
    return believed(form.channel, model, rows, model.base_, own)[0]


def _rates(at, form, model):
    """(U, K, K) rates of the worker's sources, by the truth as the others have it; of the other sources none."""
    rows = np.flatnonzero(form.place == at)
    events, channel, size = form.channel.events.some(rows), form.channel, form.channel.categories
    counts = np.zeros((len(channel.kinds), size, size))
    np.add.at(counts, (events.source, slice(None), events.said), _truth(form, rows, model))
    for source in np.unique(events.source):
        pool = model.pools_.get((channel.kinds[source], size)) or rates.fresh(size)
        counts[source] = rates.shrunk(counts[[source]], pool)[0]
    return counts


def _own(channel, tables, rows, truth):
    """(m,) probability of these answers by tables of rates (m, K, K), whoever may have been copied."""
    events = channel.events.some(rows)
    logs = rates.filled(rates.chosen(tables, events.said, events.offered), np.log(np.maximum(truth, 1e-12)))
    return (truth * np.exp(logs)).sum(axis=1)
