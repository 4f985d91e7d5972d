"""One answer more: its item and its worker are renewed, nothing else; a batch refit corrects the rest.

Pure: what comes in is left as it was. The numbers are those that a fit holds, so a refit takes over at any time.
"""

from typing import NamedTuple

import numpy as np

from labeling.crowd import looks as looking
from labeling.crowd.looks import HALF, halves, usual
from labeling.crowd.posteriors import posterior
from labeling.crowd.rates import chosen, filled, fresh, shrunk

LONE = 0.1  # of an answer that nobody has checked towards its worker's rates


class Row(NamedTuple):
    """What people said of one item: log-likelihoods `raw` (C,) if each sees its category and `torn` if each sees either
    of two (C, C), or where categories are not exclusive either no or yes (C,); `judgments` (1,) or (C,)."""

    raw: np.ndarray
    torn: np.ndarray
    judgments: np.ndarray


class Said(NamedTuple):
    """One answer. A choice: the category chosen, `choice` True, and if not all were offered (C,) which. A yes or no to
    a cell: its category and a degree."""

    category: int
    value: float = 1.0
    choice: bool = False
    offered: np.ndarray | None = None

    @property
    def said(self) -> int:
        """The column of the worker's rates."""
        return self.category if self.choice else int(self.value > 0.5)

    @property
    def weight(self) -> float:
        """Half a yes says nothing."""
        return 1.0 if self.choice else abs(2 * self.value - 1)


class Updated(NamedTuple):
    """The item's row, the worker's expected counts (K, K), the posterior (C,), the evidence (C,)."""

    row: Row
    counts: np.ndarray
    posterior: np.ndarray
    evidence: np.ndarray


def unheard(categories, exclusive):
    """The Row of an item of which nobody has spoken."""
    shape = (categories, categories) if exclusive else categories
    return Row(np.zeros(categories), np.zeros(shape), np.zeros(1 if exclusive else categories))


def heard(row, answer, rates):
    """The Row after one answer more, of a worker with these rates (K, K) [truth, said]."""
    judgments = row.judgments.copy()
    judgments[answer.category if len(judgments) > 1 else 0] += 1
    logs = told(row, answer, rates)
    if row.torn.ndim > 1:
        return Row(row.raw + answer.weight * logs, row.torn + answer.weight * halves(logs), judgments)
    half = np.logaddexp(logs, 0) + HALF
    return Row(row.raw + answer.weight * logs, row.torn + answer.weight * half, judgments)


def told(row, answer, rates):
    """Log-likelihood (C,) of an answer by the category that is seen, or of yes against no."""
    if answer.choice:
        offered = None if answer.offered is None else answer.offered[None]
        return filled(chosen(rates[None], [answer.said], offered), row.raw[None])[0]
    logs = np.zeros(len(row.raw))
    logs[answer.category] = np.log(rates[1, answer.said] / rates[0, answer.said])
    return logs


def evidence(row, looks):
    """Log-likelihood (C,) of people alone, of each category or of yes against no, where items look so."""
    if row.torn.ndim > 1:
        return looking.evidence(row.raw, row.torn, looks)
    raw = np.stack([np.zeros(len(row.raw)), row.raw], axis=-1)
    logs = looking.evidence(raw, np.broadcast_to(row.torn[:, None, None], (len(row.raw), 2, 2)), looks)
    return logs[:, 1] - logs[:, 0]


def overheard(rates, answer, share, before):
    """The rates (K, K) by which to hear an answer of which this share may be copied, as (Dong et al. 2009) `copying`
    has it; before: what share of the earlier answers about the same say the same."""
    mixed = rates.copy()
    mixed[:, answer.said] = (1 - share) * rates[:, answer.said] + share * before
    return mixed


def learned(counts, answer, truth, weight=1.0):
    """A worker's expected counts (K, K) after this answer, the truth being believed as (C,) probabilities."""
    counts = counts.copy()
    sides = truth if answer.choice else np.array([1 - truth[answer.category], truth[answer.category]])
    sides = sides if answer.offered is None else sides * answer.offered  # nobody fails to see what was not there
    counts[:, answer.said] += weight * answer.weight * sides
    return counts


def rightly(answer, truth, usual):
    """How likely an answer is right, the truth being believed as (C,) probabilities; half a yes is so as usual."""
    yes = truth[answer.category]
    return answer.weight * (yes if answer.said or answer.choice else 1 - yes) + (1 - answer.weight) * usual


def alone(row, answer):
    """What an answer counts towards its worker: little while nobody else has judged its item (or cell)."""
    return LONE if row.judgments[answer.category if len(row.judgments) > 1 else 0] <= 1 else 1.0


def update(evidence_row, worker_counts, answer, prior_row, *, exclusive=True, pool=None, looks=None):
    """Add one answer to its item and its worker.

    evidence_row: Row. worker_counts: (K, K) [truth, said] of this worker in this kind, K = C for choices and 2 for
    cells. answer: Said. prior_row: (C,) probabilities, as `Consensus.prior_`. pool: the kind's Pool, newcomers if
    None. looks: the project's looks_, usual ones if None. Returns Updated; raises ValueError for a category outside the
    row.
    """
    if not 0 <= answer.category < len(evidence_row.raw):
        raise ValueError(f"answer.category is {answer.category}; the row has {len(evidence_row.raw)} categories")
    if not 0 <= answer.value <= 1:
        raise ValueError(f"answer.value is {answer.value}; give a degree from 0 to 1")
    rates = shrunk(worker_counts[None], fresh(len(worker_counts)) if pool is None else pool)[0]
    row = heard(evidence_row, answer, rates)
    logs = evidence(row, usual(len(row.raw), exclusive) if looks is None else looks)
    truth = posterior(logs[None], np.asarray(prior_row, float), exclusive)[0]
    return Updated(row, learned(worker_counts, answer, truth, alone(row, answer)), truth, logs)
