"""What is believed of items nobody was asked about: the classifier where answers lie near, else what a refit trusts.

A classifier that was sure too early would hide items that it mislabels; one that is damped where its evidence is good
hides what it knows, which costs a tenth more answers.
"""

import numpy as np

NEAR = 0.1  # answers near an item at which the classifier counts as much as what a refit trusts


def damped(probability, prior, mass, exclusive):
    """(n, C) the mean, in logs, of the classifier's probability and the prior it was made to by a refit.

    mass: (n,) answers near each item; None, where nobody knows, is halfway. What is ruled out stays so.
    """
    near = 0.5 if mass is None else (mass / (mass + NEAR))[:, None]
    yes = mixed(probability, prior, near)
    rest = yes.sum(axis=1, keepdims=True) if exclusive else yes + mixed(1 - probability, 1 - prior, near)
    return yes / np.maximum(rest, 1e-9)


def mixed(p, q, near):
    return np.where(p > 0, np.power(p, near) * np.power(q, 1 - near), 0)
