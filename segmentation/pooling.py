"""A pool of classifiers: probabilities multiplied, each to the power of a weight that hidden labels have earned it.

The few labels cannot choose among many classifiers, but they can tilt an equal vote and say how sure it may be.
"""

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import log_softmax

CLIP = 1e-3  # of the uniform distribution mixed into each voice: nobody rules anything out
RIDGE = 2.0  # pull of each weight to what it was beforehand, as of so many labeled rows
FOLDS = 5
MANY = 500  # labeled rows from which on one fold says enough


def logs(probabilities):
    """(..., C) -> (..., C): logarithms of probabilities kept from zero, less their mean over the categories."""
    p = np.asarray(probabilities, dtype=np.float64)
    L = np.log(p * (1 - CLIP) + CLIP / p.shape[-1])
    return L - L.mean(axis=-1, keepdims=True)


def pooled(voices, weights):
    """Voices (J arrays (n, C) of probabilities) and their weights (J,) -> (n, C), rows sum to one."""
    return np.exp(log_softmax(sum(w * logs(voice) for voice, w in zip(voices, weights, strict=True)), axis=1))


def fit_weights(unseen, targets, weight, beforehand=None, ridge=RIDGE):
    """The weights (J,) at least 0 under which the pool loses least on labeled rows that its voices had not seen.

    Their sum says how sure the pool is: voices that err apart deserve more than one together, voices that are too sure
    less. A voice whose assumption fails is outweighed: its weight falls to 0 as soon as there are labels to show it.
    Where there are few, the ridge keeps weights near what was thought of the voices beforehand.

    Parameters
    ----------
    unseen : (J, m, C) probabilities of labeled rows by voices fitted without them.
    targets : (m, C) likelihoods; weight : (m,).
    beforehand : (J,) weights before there was any label. Default: 1 / J each.

    References
    ----------
    Satopaa et al. 2014, "Combining multiple probability predictions using a simple logit model", Int. J. Forecasting
    30. Ting, Witten 1999, "Issues in stacked generalization", JAIR 10.
    """
    L = logs(unseen)
    likelihood = np.log(np.maximum(targets, 1e-12))
    start = np.full(len(L), 1 / len(L)) if beforehand is None else np.asarray(beforehand)

    def loss(w):
        log_p = log_softmax(np.tensordot(w, L, axes=1), axis=1)
        responsible = log_softmax(log_p + likelihood, axis=1)
        value = -weight @ (log_p + likelihood - responsible)[:, 0]  # log sum_k y_k p_k, the same by any column
        gradient = np.einsum("m,mc,jmc->j", weight, np.exp(log_p) - np.exp(responsible), L)
        pull = ridge * len(L) * (w - start)
        return value + pull @ (w - start) / 2, gradient + pull

    bounds = [(0, None)] * len(L)
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x


def sobered(probabilities, voices, weights):
    """The pool (n, C), made less sure until its mean confidence is at most the share in which its voices agree with it.

    Twenty labeled rows may all be right by luck; thousands of unlabeled ones show how often the voices differ, and the
    pool cannot well be right more often than they agree. It can be wrong where all of them are: this only cools.
    Jiang, Nagarajan, Baek, Kolter 2022, "Assessing generalization via disagreement", ICLR.
    """
    decided = probabilities.argmax(axis=1)
    agreeing = [np.mean(voice.argmax(axis=1) == decided) for voice in voices]
    agreement = np.average(agreeing, weights=weights) if weights.any() else 1.0
    L = logs(probabilities)

    def excess(log_heat):
        return confidence(L / np.exp(log_heat)) - agreement

    if excess(0.0) <= 0:
        return probabilities
    hottest = 4.0
    heat = np.exp(brentq(excess, 0.0, hottest, xtol=1e-3)) if excess(hottest) < 0 else np.exp(hottest)
    return np.exp(log_softmax(L / heat, axis=1))


def confidence(L):
    """Mean top probability of logarithms (n, C) that need not be normalised."""
    return float(np.exp(log_softmax(L, axis=1).max(axis=1)).mean())


def folds(targets, random):
    """Which labeled rows (m, C) to hide together: up to five disjoint sets of positions that hold every category alike.

    One set of a fifth where there are many rows.
    """
    order = random.permutation(len(targets))
    order = order[np.argsort(targets[order].argmax(axis=1), kind="stable")]
    parts = [order[start::FOLDS] for start in range(min(FOLDS, len(order)))]
    return parts[:1] if len(targets) > MANY else parts
