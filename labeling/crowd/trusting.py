"""How far to trust a prior: as far as it foretells answers that it has not seen.

What the others say, with or without the prior, foretells an answer; workers' rates are of people alone, so a prior
cannot vouch for itself.
"""

import numpy as np

from labeling.crowd.heldout import heldout

BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
MARGIN = 2.0  # standard errors by which a prior has to foretell better than answers alone
MASS = 10.0  # answers near an item at which its prior counts half


def trusted(model, prior, mass):
    """(prior (n, C) to use, trust in the one that was given): its weight in logs against the categories' frequencies.

    Trust is one number if it foretells answers clearly better than none does, else 0; and no more than that in each
    category it names, so that a prior that is sure and wrong about one of them is not believed there.
    """
    base = np.broadcast_to(model.even(), model.raw_.shape)
    if prior is None or not model.channels_:
        return base, 0.0
    prior = checked(prior, base.shape)
    weight = np.ones(len(prior)) if mass is None else mass_weight(mass, len(prior))
    named = _named(prior, model.exclusive)
    held = heldout(model)
    item = np.concatenate([one.item for one in held])
    group = np.concatenate([named[one.item] if named.ndim == 1 else named[one.item, one.category] for one in held])
    gains = []
    for trust in BLENDS:
        mixed = blended(base, prior, trust * weight[:, None], model.exclusive)
        gains.append(np.concatenate([one.foretold(model.looks_, mixed) for one in held]))
    gains = np.array(gains) - gains[0]
    best = _clearly(gains, item, len(BLENDS))
    if best == 0:
        return base, 0.0
    local = np.zeros(named.max() + 1)
    for name in np.unique(group):
        rows = group == name
        local[name] = BLENDS[_clearly(gains[:, rows], item[rows], best + 1)]
    trust = local[named] * (weight if named.ndim == 1 else weight[:, None])
    trust = trust[:, None] if named.ndim == 1 else trust
    return blended(base, prior, trust, model.exclusive), BLENDS[best]


def blended(base, prior, trust, exclusive):
    """The prior and the categories' frequencies, mixed in logs (n, C)."""
    base, prior = (np.clip(p, 1e-3, 1 - 1e-3) for p in (base, prior))
    if exclusive:
        return _normal(base ** (1 - trust) * prior**trust)
    odds = (base / (1 - base)) ** (1 - trust) * (prior / (1 - prior)) ** trust
    return odds / (1 + odds)


def checked(prior, shape):
    prior = np.asarray(prior, float)
    if prior.shape != shape or not ((prior >= 0) & (prior <= 1)).all():
        raise ValueError(f"prior must hold probabilities of shape {shape}, not {prior.shape}; each from 0 to 1")
    return prior


def mass_weight(mass, items):
    mass = np.asarray(mass, float)
    if mass.shape != (items,) or not (mass >= 0).all():
        raise ValueError(f"mass must hold {items} numbers from 0, one an item; its shape is {mass.shape}")
    return mass / (mass + MASS)


def _clearly(gains, item, most):
    """Which of the first `most` trusts foretells best, 0 unless clearly better than none."""
    best = int(np.argmax(gains[:most].sum(axis=1)))
    single = np.bincount(item, gains[best])
    error = np.sqrt((single**2).sum())
    return best if gains[best].sum() > MARGIN * error else 0


def _named(prior, exclusive):
    """The category (n,) that the prior names; where they are not exclusive, each category's side (n, C)."""
    if exclusive:
        return prior.argmax(axis=1)
    return 2 * np.arange(prior.shape[1]) + (prior > 0.5)


def _normal(weights):
    return weights / weights.sum(axis=1, keepdims=True)
