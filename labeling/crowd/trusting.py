"""How far to trust evidence and a prior: as far as they foretell answers that they have not seen.

An answer is held out by taking its likelihood from its item's evidence and its count from its worker's. What is left,
with or without the prior, foretells it; workers' rates are of people alone, so a prior cannot vouch for itself.
"""

import numpy as np

from labeling.crowd.posteriors import damping, posterior, tempered

# Correlations to choose from; below the first, errors that all share would look like truth.
SHARED = (0.2, 0.3, 0.5, 0.8, 1.2)
MORE = (2.0, 3.0)  # to choose from, too, where the truth is known
RELUCTANCE = 0.2  # nats more that known truth has to tell under twice the usual correlation, or half of it
BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
MARGIN = 2.0  # standard errors by which a prior has to foretell better than answers alone
MASS = 10.0  # answers near an item at which its prior counts half
MOST = 100_000  # answers held out, divided by the categories; more would not change the choice


class HeldOut:
    """Answers of one channel with what the others of their items say, and their workers without them."""

    def __init__(self, channel, model):
        most = max(MOST // channel.categories, 1)
        rows = np.arange(0, len(channel.events.item), -(-len(channel.events.item) // most))
        some = channel.events.some(rows)
        self.item, self.category, self.weight = some.item, some.category, some.weight
        self.others = _at(model.judgments_, some.item, some.category) - 1  # (m,)
        self.raw = channel.less(rows, model.raw_[some.item])  # (m, C)
        self.own = channel.without(rows, model.truth_, model.weight_)  # (m, K)
        self.choices = channel.categories == model.raw_.shape[1] and not hasattr(channel, "cell")

    def foretold(self, shared, prior, exclusive):
        """Log-probability (m,) of each answer; prior (C,), or (n, C) of which the items' rows are taken."""
        prior = prior if prior.ndim == 1 else prior[self.item]
        truth = posterior(damping(self.others, shared)[:, None] * self.raw, prior, exclusive)
        if not self.choices:
            yes = truth[np.arange(len(truth)), self.category]
            truth = np.stack([1 - yes, yes], axis=1)
        return self.weight * np.log(np.maximum((truth * self.own).sum(axis=1), 1e-9))


def temperature(model, unknowing=None):
    """The correlation of errors under which answers foretell each other best, moved towards what known truth tells.

    Answers cannot tell the truth from an error that all share; only what is known beforehand can, held against
    `unknowing`: log-likelihoods (n, C) that were made without it, None where nothing is known.
    """
    held = [HeldOut(channel, model) for channel in model.channels_]
    fit = [sum(one.foretold(shared, model.even(), model.exclusive).sum() for one in held) for shared in SHARED]
    usual = SHARED[int(np.argmax(fit))]
    if unknowing is None:
        return usual
    grid = np.array((*SHARED, *MORE))
    told = np.array([_told(model, unknowing, shared) for shared in grid])
    return float(grid[np.argmax(told - RELUCTANCE * abs(np.log2(grid / usual)))])


def _told(model, raw, shared):
    """Log-probability of the known cells that people have judged; of exclusive items, of their known category."""
    item, category, known = (np.asarray(column) for column in model.gold_)
    judged = (_at(model.judgments_, item, category) > 0) & ((known > 0.5) | (not model.exclusive))
    item, category, known = item[judged], category[judged], known[judged]
    evidence = tempered(raw[item], model.judgments_[item], shared)
    even = model.even()
    yes = posterior(evidence, even if even.ndim == 1 else even[item], model.exclusive)[np.arange(len(item)), category]
    return np.log(yes).sum() if model.exclusive else (known * np.log(yes) + (1 - known) * np.log(1 - yes)).sum()


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
    held = [HeldOut(channel, model) for channel in model.channels_]
    item = np.concatenate([one.item for one in held])
    group = np.concatenate([named[one.item] if named.ndim == 1 else named[one.item, one.category] for one in held])
    gains = []
    for trust in BLENDS:
        mixed = blended(base, prior, trust * weight[:, None], model.exclusive)
        gains.append(np.concatenate([one.foretold(model.temperature_, mixed, model.exclusive) for one in held]))
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


def _at(judgments, item, category):
    return judgments[item, 0] if judgments.shape[1] == 1 else judgments[item, category]
