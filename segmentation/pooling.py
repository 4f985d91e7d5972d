"""A pool of classifiers: probabilities multiplied, each to the power of a weight that hidden labels have earned it.

The few labels cannot choose among many classifiers, but they can tilt an equal vote and say how sure it may be.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

CLIP = 1e-3  # of the uniform distribution mixed into each voice: nobody rules anything out
RIDGE = 2.0  # pull of each weight to what it was beforehand, as of so many labeled rows
LEAST = 0.1  # of the weight beforehand that is left in any case: a pool of nobody would decide by accident
SWAY = 0.01  # of the rows, added to those that change category: so few may be chance
UNTRUSTED = 0.5  # taken off the ratio of variances: a voice of twice the plain one's has no trust
FOLDS = 5
MANY = 500  # labeled rows from which on one fold says enough
LOOKED_AT = 5000  # rows at least from which the pool's temperature is taken


def logs(probabilities):
    """(..., C) -> (..., C): logarithms of probabilities kept from zero, less their mean over the categories."""
    p = np.asarray(probabilities, dtype=np.float64)
    L = np.log(p * (1 - CLIP) + CLIP / p.shape[-1])
    return L - L.mean(axis=-1, keepdims=True)


def pooled(voices, weights):
    """Voices (J arrays (n, C) of probabilities) and their weights (J,) -> (n, C), rows sum to one."""
    return np.exp(log_softmax(sum(w * logs(voice) for voice, w in zip(voices, weights, strict=True)), axis=1))


def trust(swayed, plain, bold):
    """How far each voice is trusted before labels have judged it: (J,), 1 for the plain one.

    A boundary between dense regions stays where it is when some labels are hidden. Where there is no such gap, one that
    looks for it lands wherever the labels happen to lie, and moves more than the plain one does. So the bold voices are
    trusted in inverse proportion to their variance, which goes with the square of how far they are swayed; one that is
    swayed by 1.4 times as much as the plain one is not trusted.

    Parameters
    ----------
    swayed : {voice: share of unlabeled rows in another category when a part of the labels is hidden}.
    plain, bold : names; all other voices have to earn everything.

    References
    ----------
    Lange, Roth, Braun, Buhmann 2004, "Stability-based validation of clustering solutions", Neural Computation 16.
    """
    ratio = {name: ((swayed[plain] + SWAY) / (swayed[name] + SWAY)) ** 2 for name in bold}
    return np.array([1.0 if name == plain else max(0.0, ratio.get(name, 0.0) - UNTRUSTED) for name in swayed])


def fit_weights(unseen, targets, weight, beforehand=None, toll=0.0, ridge=RIDGE):
    """The weights (J,) at least 0 under which the pool loses least on labeled rows that its voices had not seen.

    Their sum says how sure the pool is: voices that err apart deserve more than one together, voices that are too sure
    less. A voice whose assumption fails is outweighed: its weight falls as soon as there are labels to show it. Where
    there are few, the ridge keeps weights near what was thought of the voices beforehand, and a voice with a toll is
    heard only if labels speak for it by so many of their standard errors.

    Parameters
    ----------
    unseen : (J, m, C) probabilities of labeled rows by voices fitted without them.
    targets : (m, C) likelihoods; weight : (m,).
    beforehand : (J,) weights before there was any label. Default: 1 / J each.
    toll : (J,) or for all, in standard errors of what the labels say for a voice beforehand.

    References
    ----------
    Satopaa et al. 2014, "Combining multiple probability predictions using a simple logit model", Int. J. Forecasting
    30. Ting, Witten 1999, "Issues in stacked generalization", JAIR 10.
    """
    L = logs(unseen)
    likelihood = np.log(np.maximum(targets, 1e-12))
    start = np.full(len(L), 1 / len(L)) if beforehand is None else np.asarray(beforehand)

    def at(w):
        """The loss of each labeled row (m,), and its slope (J, m)."""
        log_p = log_softmax(np.tensordot(w, L, axes=1), axis=1)
        responsible = log_softmax(log_p + likelihood, axis=1)
        value = -(log_p + likelihood - responsible)[:, 0]  # -log sum_k y_k p_k, the same by any column
        return weight * value, weight * np.einsum("mc,jmc->jm", np.exp(log_p) - np.exp(responsible), L)

    price = toll * np.linalg.norm(at(start)[1], axis=1)

    def loss(w):
        value, slope = at(w)
        pull = ridge * len(L) * (w - start)
        return value.sum() + pull @ (w - start) / 2 + price @ w, slope.sum(axis=1) + pull + price

    bounds = [(LEAST * least, None) for least in start]
    return minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x


def tempered(probabilities, voices, weights):
    """The pool (n, C) at the temperature at which its mean confidence is what two considerations say.

    Its weights were earned by voices that had a fifth of the labels hidden; with all of them errors are fewer, by about
    the root of that. And thousands of unlabeled rows show how often the voices differ: the pool cannot well be right
    more often than they agree with it, though it can be wrong where all of them are.
    Jiang, Nagarajan, Baek, Kolter 2022, "Assessing generalization via disagreement", ICLR.
    """
    some = slice(None, None, max(1, len(probabilities) // LOOKED_AT))
    decided = probabilities[some].argmax(axis=1)
    agreeing = [np.mean(voice[some].argmax(axis=1) == decided) for voice in voices]
    L = logs(probabilities)
    hidden = min(confidence(L[some]), np.average(agreeing, weights=weights))
    wanted = 1 - np.sqrt(1 - 1 / FOLDS) * (1 - hidden)

    heats = np.geomspace(1 / 4, 4, 33)
    sure = np.array([confidence(L[some] / heat) for heat in heats])  # falls
    heat = np.exp(np.interp(-wanted, -sure, np.log(heats)))
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
