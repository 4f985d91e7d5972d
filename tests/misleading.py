"""Classifiers that do what they should not, to be named in settings."""

import numpy as np

WRONG = {name: (name, f"tests.misleading.{name}") for name in ("raising", "worse", "nan", "narrow")}


class Wrong:
    """A classifier that does what it should not."""

    def __init__(self, act):
        self.act = act

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y):
        self.shape = y.shape
        self.act(self)
        return self

    def predict_proba(self, X):
        return self.found


def raising(exclusive, random_state):
    def act(self):
        raise ArithmeticError("the matrix fell over")

    return Wrong(act)


def worse(exclusive, random_state):
    return says(lambda shape: np.tile(np.eye(shape[1])[-1] * 0.97 + 0.01, (shape[0], 1)))


def nan(exclusive, random_state):
    return says(lambda shape: np.full(shape, np.nan))


def narrow(exclusive, random_state):
    return says(lambda shape: np.full((shape[0], shape[1] - 1), 0.5))


def says(probabilities):
    return Wrong(lambda self: vars(self).update(found=probabilities(self.shape)))
