"""What somebody who never saw an item's own truth would take it for: of this the difficulties of people are made."""

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold

FOLDS, TREES = 4, 100


def seen(X: np.ndarray, truth: np.ndarray, seed: int) -> np.ndarray:
    """(n, C) how likely each category is of each row, by trees that learned from the other three quarters.

    X : (n, d); truth : (n, C) bool
    """
    found = np.zeros(truth.shape)
    for rest, out in KFold(min(FOLDS, len(X)), shuffle=True, random_state=seed).split(X):
        trees = ExtraTreesRegressor(TREES, max_features="sqrt", random_state=seed)
        found[out] = trees.fit(X[rest], truth[rest].astype(float)).predict(X[out]).reshape(len(out), -1)
    return found
