"""What a fit has found of each worker in each kind of query.

A rating is as sure as the truth that it was measured by: each answer counts as right as far as all answers about its
item tell.
"""

from typing import NamedTuple

import numpy as np

from labeling.crowd import rates
from labeling.crowd.posteriors import posterior


class Workers(NamedTuple):
    """One row a (worker, kind), by name.

    rating: share of answers that are right, as far as all of them tell; error: its standard error;
    judged: answers; rates: (K, K) what is said (column) under each truth (row), K = 2 (no, yes) for cells; counts: the
    expected counts behind them; copies: share of answers that repeat what others said before.
    """

    name: np.ndarray
    kind: np.ndarray
    rating: np.ndarray
    error: np.ndarray
    judged: np.ndarray
    rates: list
    counts: list
    copies: np.ndarray


def workers_of(model):
    """The Workers of a fitted Consensus, rated by people's evidence alone. A source that speaks in both forms has a row
    for each."""
    log, truth = model.log_, model.known(posterior(model.evidence_, model.even(), model.exclusive))
    rows = [_rows(channel, log, truth, np.array(model.begun_)) for channel in model.channels_]
    if not rows:
        return Workers(log.worker, log.kind, *(np.zeros(0),) * 3, [], [], np.zeros(0))
    name, kind, rating, error, judged, copies = (
        np.concatenate(column) for column in zip(*(row[:6] for row in rows), strict=True)
    )
    order = np.lexsort((kind, name))
    tables = [[table for row in rows for table in row[at]] for at in (6, 7)]
    return Workers(*(column[order] for column in (name, kind, rating, error, judged)),
                   *([column[n] for n in order] for column in tables), copies[order])  # fmt: skip


def _rows(channel, log, truth, begun):
    events, size = channel.events, len(log.worker)
    judged, heard = (np.bincount(events.source, weight, size) for weight in (None, events.weight))
    right = np.bincount(events.source, events.weight * channel.rightly(truth), size)
    rating, error = rates.rated(right, heard, *begun.T)
    columns = log.worker, log.kind, rating, error, judged, channel.copying.share, channel.rates, channel.spoken
    return [column[judged > 0] for column in columns]
