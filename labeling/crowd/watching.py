"""What speaks against a worker: too fast, no better than chance, the same errors as another; as wagers against honesty.

Each suspicion is an e-value: a wager that an honest worker multiplies by one or less on average with every answer
(Ramdas and others, Statistical Science 38, 2023). So it may be looked at after every answer and still an honest worker
reaches 1/a with probability a at most, ever. Answers are held against what all others say, never against themselves.
"""

from typing import NamedTuple

import numpy as np

from labeling.crowd import rates
from labeling.crowd.looks import sides
from labeling.crowd.posteriors import posterior

FEWEST = 10  # answers before anybody comes under suspicion
ATTENTION = 0.7  # of an ordinary worker's is honest enough: the rest may be guesses. Below half of that one is found
HASTE = 0.25  # of the usual time is faster than one can read ...
HASTY = 0.25  # ... and an honest worker may be so fast in this share of answers: by nature or by luck
ALIKE = 0.2  # correlation of people's errors about one item (Kish 1965), by which their evidence is damped here
WITHIN = 0.2  # correlation of a worker's errors in the cells of one answer


class Foretold(NamedTuple):
    """Answers (m,) of one form, each with what the others of its item, and all workers, let one expect.

    said: the category, or yes 1 and no 0; worker is any name; when sorts; usual (m, K)
    probabilities of what an ordinary worker says; truth (m, K) as the others have it; weight (m,): the cells of one
    answer count as fewer; counts (m,): is it held against the worker? Not if nobody else had a word, or if excused.
    """

    said: np.ndarray
    worker: np.ndarray
    when: np.ndarray
    usual: np.ndarray
    truth: np.ndarray
    weight: np.ndarray
    counts: np.ndarray


def foretold(model, answers, excused=None):
    """Foretold of each form in a fitted Consensus; `answers`: what it was fitted on, in the order of answering.

    excused: {worker: row}; rows before are not held against the worker, though others are held against them.
    """
    forms = [_foretold(channel, model, answers, excused or {}) for channel in model.channels_]
    workers = np.unique(model.log_.worker)
    found = guessing(forms, workers)
    likely = workers[(found.doubt > 0) & (found.of >= FEWEST)]  # an ordinary worker is none of these
    return [_ordinary(form, channel, ~np.isin(model.log_.worker, likely)) for form, channel in
            zip(forms, model.channels_, strict=True)]  # fmt: skip


def _ordinary(form, channel, sources):
    """The form with `usual` as these sources (U,) bool make it."""
    pools = {kind: rates.pooled(channel.spoken[(channel.kinds == kind) & sources]) for kind in channel.pools}
    table = np.stack([pools[kind].rates for kind in channel.kinds])[channel.events.source]
    return form._replace(usual=np.einsum("mk,mkl->ml", form.truth, table))


def _foretold(channel, model, answers, excused):
    events, rows = channel.events, np.arange(len(channel.events.item))
    per_item = model.judgments_.shape[1] == 1
    others = (model.judgments_[events.item, 0] if per_item else model.judgments_[events.item, events.category]) - 1
    cells = hasattr(channel, "cell")
    truth, known = believed(channel, model, rows, model.even())
    pools = np.stack([channel.pools[kind].rates for kind in channel.kinds])
    when = order(events, model.log_.worker, answers)
    since = np.array([excused.get(name, 0) for name in model.log_.worker.tolist()])[events.source]
    return Foretold(
        said=events.said,
        worker=model.log_.worker[events.source],
        when=when,
        usual=np.einsum("mk,mkl->ml", truth, pools[events.source]),
        truth=truth,
        weight=cell_weight(events, cells),
        counts=((others > 0) | known) & (when >= since),
    )


def believed(channel, model, rows, prior, own=True):
    """(truth (m, K) of what these answers of a channel are about, whether (m,) it is known beforehand), as a model has
    it; own: the answers were heard there and are taken out. prior: (C,) or (n, C).

    However people's errors came out, they are held to be alike: who is judged by a truth that is too sure looks guilty.
    """
    some, gold = channel.events.some(rows), table_of_gold(model)
    raw, at, per_item = model.raw_[some.item], np.arange(len(rows)), model.judgments_.shape[1] == 1
    heard = model.judgments_[some.item, 0 if per_item else some.category] - own
    if own:
        raw = raw - _told(channel, rows, model)
    logs = raw / (1 + ALIKE * np.maximum(heard - 1, 0))[:, None]
    truth = posterior(logs, prior if prior.ndim == 1 else prior[some.item], model.exclusive)
    known = ~np.isnan(gold[some.item])
    truth = np.where(known, gold[some.item], truth)
    if not hasattr(channel, "cell"):
        return truth, known.any(axis=1)
    return sides(truth[at, some.category]), known[at, some.category]


def _told(channel, rows, model):
    """(m, C) what each of these answers adds to its item's evidence."""
    some = channel.events.some(rows)
    logs = some.weight[:, None] * channel.told(rows, channel.rates[some.source])
    if logs.shape == (len(rows), model.log_.shape[1]) and model.exclusive:
        return logs
    asked = some.category[:, None] == np.arange(model.log_.shape[1])
    return np.where(asked, logs[:, 1:] - logs[:, :1], 0.0)


def table_of_gold(model):
    """(n, C) of what is known beforehand, NaN where nothing is; a known yes of an exclusive item answers its row."""
    known = np.full(model.raw_.shape, np.nan)
    if model.gold_ is not None:
        item, category, value = (np.asarray(column) for column in model.gold_)
        if model.exclusive:
            known[item[value > 0.5]] = 0.0
        known[item, category] = value
    return known


def cell_weight(events, cells):
    """What each cell of one answer about one item counts: the design effect of errors that are alike (Kish 1965)."""
    if not cells:
        return events.weight
    count = np.unique(events.source * (events.item.max() + 1) + events.item, return_inverse=True, return_counts=True)
    return events.weight / (1 + WITHIN * (count[2][count[1].ravel()] - 1))


def order(events, names, answers):
    """(m,) the row at which each event's worker first spoke about its item."""
    workers = np.unique(names)
    key = np.asarray(answers.item) * len(workers) + np.searchsorted(workers, answers.worker)
    key, first = np.unique(key, return_index=True)
    return first[np.searchsorted(key, events.item * len(workers) + np.searchsorted(workers, names[events.source]))]


# --- no better than chance -------------------------------------------------------------------------------------------


class Guessing(NamedTuple):
    """One row a worker, in the order of `workers`. odds: log e-value; doubt: log-odds of a guesser against an ordinary
    worker, to rank by, also before FEWEST answers; sides: answers with what the others make likeliest; of: answers that
    others had a word on; chance: how many would side so by chance, given how often the worker says what."""

    odds: np.ndarray
    doubt: np.ndarray
    sides: np.ndarray
    of: np.ndarray
    chance: np.ndarray


def guessing(forms, workers):
    """Whether answers depend on what is asked: a guesser's follow a habit, an ordinary worker's also the item.

    The wager: the answer is foretold by the worker's own earlier answers alone (Krichevsky and Trofimov's estimate)
    rather than by a mixture of these and of what an ordinary worker would say.
    """
    odds, doubt, sides, of, chance = np.zeros((5, len(workers)))
    for form in (_some(form, form.counts) for form in forms):
        place = np.searchsorted(workers, form.worker)
        habit = _habit(form, place)
        said = np.arange(len(form.said)), form.said
        honest = (1 - ATTENTION) * habit + ATTENTION * form.usual
        np.add.at(odds, place, form.weight * np.log(habit[said] / honest[said]))
        np.add.at(doubt, place, form.weight * np.log(habit[said] / form.usual[said]))
        lead = form.truth.argmax(axis=1)
        often = np.zeros((len(workers), form.usual.shape[1]))
        np.add.at(often, (place, form.said), 1)
        often /= np.maximum(often.sum(axis=1, keepdims=True), 1)
        np.add.at(sides, place, form.said == lead)
        np.add.at(chance, place, often[place, lead])
        np.add.at(of, place, 1)
    return Guessing(np.where(of >= FEWEST, odds, -np.inf), doubt, sides.astype(int), of.astype(int), chance)


def _habit(form, place):
    """(m, K) probability of each answer by what its worker said before."""
    order = np.lexsort((form.when, place))
    one = np.eye(form.usual.shape[1])[form.said[order]]
    before = np.cumsum(one, axis=0) - one
    first = np.searchsorted(place[order], place[order])  # of the same worker
    before -= before[first]
    habit = np.empty_like(one)
    habit[order] = (before + 0.5) / (before.sum(axis=1, keepdims=True) + 0.5 * one.shape[1])
    return habit


# --- too fast --------------------------------------------------------------------------------------------------------


class Hurrying(NamedTuple):
    """One row a worker. odds: log e-value; fast: of the answers, those below `limit`, a quarter of the `median` (both
    in seconds, of the kind that the worker answered most)."""

    odds: np.ndarray
    fast: np.ndarray
    of: np.ndarray
    limit: np.ndarray
    median: np.ndarray


def hurrying(worker, seconds, kind, workers):
    """Whether answers come faster than one can read: in less than a quarter of the time that others take for the kind.

    The wager: the share of such answers is anything above HASTY rather than at most that, each share being as likely.
    """
    place = np.searchsorted(workers, worker)
    fast, of = np.zeros((2, len(workers)), int)
    limit, median, most = np.full(len(workers), np.nan), np.full(len(workers), np.nan), np.zeros(len(workers), int)
    for one in np.unique(kind):
        rows = np.flatnonzero(kind == one)
        usual = _usual_time(place[rows], seconds[rows], len(workers))
        rows = rows[~np.isnan(usual[place[rows]])]
        here = np.bincount(place[rows], minlength=len(workers))
        fast += np.bincount(place[rows], seconds[rows] < HASTE * usual[place[rows]], minlength=len(workers)).astype(int)
        of += here
        limit, median = (np.where(here > most, column, known) for column, known in
                         ((HASTE * usual, limit), (usual, median)))  # fmt: skip
        most = np.maximum(most, here)
    return Hurrying(np.where(of >= FEWEST, _hasty(fast, of), -np.inf), fast, of, limit, median)


def _usual_time(place, seconds, workers):
    """(W,) for each the median of the others' medians: a few who hurry hardly move it. NaN without two others."""
    medians = np.full(workers, np.nan)
    for one in np.unique(place):
        medians[one] = np.median(seconds[place == one])
    known = np.flatnonzero(~np.isnan(medians))
    usual = np.full(workers, np.nan)
    if len(known) > 2:
        for one in known:
            usual[one] = np.median(medians[known[known != one]])
    return usual


def _hasty(fast, of):
    """Logarithm of the mean likelihood over all shares above HASTY against that of HASTY itself."""
    share = HASTY + (1 - HASTY) * (np.arange(200) + 0.5) / 200
    logs = fast[:, None] * np.log(share / HASTY) + (of - fast)[:, None] * np.log((1 - share) / (1 - HASTY))
    most = logs.max(axis=1)
    return most + np.log(np.exp(logs - most[:, None]).mean(axis=1))


# --- whom to flag ----------------------------------------------------------------------------------------------------


def flagged(odds, level):
    """Which of these log e-values (any shape; -inf: not judged) to act on, so that at most `level` of those flagged are
    honest on average, and in a project of honest people anybody with probability `level` at most.

    The e-BH procedure (Wang and Ramdas, JRSS B 84, 2022), valid however the e-values depend on each other.
    """
    odds = np.asarray(odds, float)
    tested = np.sort(odds[np.isfinite(odds)])[::-1]
    enough = np.log(len(tested)) - np.log(level * np.arange(1, len(tested) + 1)) if len(tested) else tested
    found = np.flatnonzero(tested >= enough)
    return odds >= (tested[found[-1]] if len(found) else np.inf)


def _some(form, rows):
    return Foretold(*(column[rows] for column in form))
