"""One answer more: its item and its worker are renewed, nothing else; a batch refit corrects the rest.

Pure: what comes in is left as it was. The numbers are those that a fit holds, so a refit takes over at any time.
"""

from typing import NamedTuple

import numpy as np

from labeling.crowd.posteriors import posterior, tempered
from labeling.crowd.rates import fresh, shrunk

LONE = 0.1  # of an answer that nobody has checked


class Row(NamedTuple):
    """What people said of one item: `raw` (C,) log-likelihood before tempering, `judgments` (1,) or (C,)."""

    raw: np.ndarray
    judgments: np.ndarray


class Said(NamedTuple):
    """One answer. A choice: category, value 1, choice True. A yes or no to a cell: its category and a degree."""

    category: int
    value: float = 1.0
    choice: bool = False


class Updated(NamedTuple):
    """The item's row, the worker's expected counts (K, K), the posterior (C,), the evidence (C,)."""

    row: Row
    counts: np.ndarray
    posterior: np.ndarray
    evidence: np.ndarray


def update(evidence_row, worker_counts, answer, prior_row, *, exclusive=True, pool=None, shared=0.2):
    """Add one answer to its item and its worker.

    evidence_row: Row. worker_counts: (K, K) [truth, said] of this worker in this kind, K = C for choices and 2 for
    cells. answer: Said. prior_row: (C,) probabilities, as `Consensus.prior_`. pool: the kind's Pool, newcomers if
    None. shared: the project's temperature_. Returns Updated; raises ValueError for a category outside the row.
    """
    if not 0 <= answer.category < len(evidence_row.raw):
        raise ValueError(f"answer.category is {answer.category}; the row has {len(evidence_row.raw)} categories")
    if not 0 <= answer.value <= 1:
        raise ValueError(f"answer.value is {answer.value}; give a degree from 0 to 1")
    rates = shrunk(worker_counts[None], fresh(len(worker_counts)) if pool is None else pool)[0]
    said = answer.category if answer.choice else int(answer.value > 0.5)
    weight = 1.0 if answer.choice else abs(2 * answer.value - 1)
    raw, judgments = evidence_row.raw.copy(), evidence_row.judgments.copy()
    at = slice(None) if answer.choice else answer.category
    judgments[0 if exclusive else answer.category] += 1
    raw[at] += np.log(rates[:, said]) if answer.choice else weight * np.log(rates[1, said] / rates[0, said])
    evidence = tempered(raw, judgments, shared)
    truth = posterior(evidence[None], np.asarray(prior_row, float), exclusive)[0]
    weight *= LONE if judgments[0 if exclusive else answer.category] == 1 else 1.0
    counts = worker_counts.copy()
    yes = truth[answer.category]
    counts[:, said] += weight * (truth if answer.choice else np.array([1 - yes, yes]))
    return Updated(Row(raw, judgments), counts, truth, evidence)
