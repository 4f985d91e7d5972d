"""Doubts made up, and what is in them."""

import numpy as np
import pytest
from scipy.stats import entropy

from labeling.proposals import Doubt, close_calls, hard_items, weak_categories

SEEDS = pytest.mark.parametrize("seed", range(5))
EITHER = pytest.mark.parametrize("exclusive", [True, False])


def a_doubt(seed, items=300, categories=6, exclusive=True, by_cell=False, **settings):
    """A classifier sure of some items, torn between two categories on others, lost on the rest; a tenth not askable."""
    random = np.random.default_rng(seed)
    shape = (items, categories)
    sharpness = random.choice([0.2, 2, 8], (items, 1))
    p = np.exp(sharpness * random.standard_normal(shape))
    p = p / p.sum(axis=1, keepdims=True) if exclusive else random.beta(0.4, 0.8, shape)
    askable = random.random(shape if by_cell else items) < 0.9
    names = tuple(["rock", "jazz", "blues", "folk", "metal", "disco", "reggae", "pop"][:categories])
    return Doubt(p.astype(np.float32), exclusive, askable, names, **settings)


def bits(p):
    return entropy([p, 1 - p], base=2)


def cells(proposal):
    return [(row, column) for row in proposal.rows for column in proposal.columns]


def offered(seed=0, **settings):
    doubt = a_doubt(seed, **settings)
    return [p for propose in (close_calls, hard_items, weak_categories) for p in propose(doubt, 40, seed)]
