"""The tables of a Bayesian network of factors: looked up to predict, learned from few labels and a crowd without any.

Tables hold logarithms of how much more often than overall something is met in a category; they add up to evidence.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.special import log_softmax, ndtri, softmax

from segmentation import degrees
from segmentation.factors import one_hot

COARSE = 6  # levels of a factor in the tables of pairs, which have few rows for many cells
PAIRS = 3.0  # rows' worth of "independent within the category" mixed into each of them
DOUBT = 0.5  # labels imagined to be wrong while evidence is weighted, which few labels that all agree would overrate


@dataclass
class Network:
    """What is known of each factor, and of each edge from a factor to another.

    tables (f, levels, C), is_direction (f,), edges (2, e) child and parent, pairs (e, COARSE^2, C), and
    coarse (f, levels), a level's place among the COARSE ones.
    """

    tables: np.ndarray
    is_direction: np.ndarray
    coarse: np.ndarray
    edges: np.ndarray
    pairs: np.ndarray

    def evidences(self, codes):
        """Codes (n, f) -> (3, n, C): what features, directions and edges say for each category."""
        features, directions = ~self.is_direction, self.is_direction
        return np.stack(
            [
                looked_up(self.tables[features], codes[:, features]),
                looked_up(self.tables[directions], codes[:, directions]),
                looked_up(self.pairs, pair_codes(codes, self.edges, self.coarse)),
            ]
        )

    def evidence(self, codes):
        """Codes (n, f) -> (n, C)."""
        return self.evidences(codes).sum(axis=0)

    def weighted(self, weights):
        """The network whose features, directions and edges count `weights` (3,) times."""
        of_factor = np.where(self.is_direction, weights[1], weights[0])[:, None, None]
        return Network(self.tables * of_factor, self.is_direction, self.coarse, self.edges, self.pairs * weights[2])

    def to_arrays(self):
        return vars(self).copy()

    @classmethod
    def from_arrays(cls, arrays):
        return cls(*(arrays[name] for name in cls.__dataclass_fields__))


def looked_up(tables, codes):
    """(f, levels, C) and codes (n, f) -> (n, C): the sum of the entries that the codes point at."""
    f, levels, categories = tables.shape
    flat = tables.reshape(f * levels, categories).astype(np.float32)
    return (one_hot(codes, levels) @ flat).astype(float)


def counted(codes, levels, weight):
    """Codes (n, f) and weight (n, C) -> (f, levels, C)."""
    return (one_hot(codes, levels).T @ weight).reshape(codes.shape[1], levels, weight.shape[1])


def pair_codes(codes, edges, coarse):
    """(n, f) -> (n, e): the levels of child and parent as one."""
    child, parent = (coarse[side, codes[:, side]] for side in edges)
    return child * COARSE + parent


def given(evidence, share):
    """Evidence (n, C) -> probabilities (n, C)."""
    return softmax(evidence + np.log(share), axis=1)


class Learning:
    """Learns one exclusive problem's network.

    Parameters
    ----------
    settings : has bandwidth, strength, tree, crowd and folds, see `BayesianNetwork`.
    codes, targets : (r, f) and (r, C) of the rows to learn from, the labeled ones first.
    known : (L, C) weight of each labeled row at its category.
    share : (C,) of the categories.
    """

    def __init__(self, settings, factors, codes, targets, known, share):
        self.settings, self.factors, self.share, self.known = settings, factors, share, known
        self.codes, self.targets, self.labeled = codes, targets, codes[: len(known)]
        self.levels = factors.share.shape[1]
        self.coarse = np.minimum((factors.middle * COARSE).astype(int), COARSE - 1)

    def network(self, random):
        """The network that makes left-out labels most probable, and its evidence weighted so."""
        fold = folds(self.known.argmax(axis=1), self.settings.folds, random)
        parts = [(fold != k, self.naive(fold != k)) for k in np.unique(fold)]
        weights, _ = self.fitted([(~learn, naive) for learn, naive in parts])
        shapes = [self.shapes(learn, naive, weights) for learn, naive in parts]
        fits = {
            shape: self.fitted([(~learn, found[shape]) for (learn, _), found in zip(parts, shapes, strict=True)])
            for shape in shapes[0]
        }
        best = min(fits, key=lambda shape: fits[shape][1])
        everything = np.ones(len(self.known), bool)
        return self.shapes(everything, self.naive(everything), weights)[best].weighted(fits[best][0])

    def fitted(self, parts):
        """Weights (3,) of the evidence that networks give for the rows that each did not see, and their loss."""
        left_out = np.zeros((3, *self.known.shape))
        for out, network in parts:
            left_out[:, out] = network.evidences(self.labeled[out])
        return fit_weights(left_out, self.known, self.share)

    def naive(self, learn):
        """Factors that differentiate, without edges, from the labeled rows that `learn` (L,) names."""
        counts = counted(self.labeled[learn], self.levels, self.known[learn])
        kernel = self.kernel(self.bandwidth(learn))
        smoothed = spread(counts, kernel)
        keep = self.gains(counts, smoothed, kernel, self.known[learn]) > -1e-9  # it is 0 where nothing can be said
        return self.plain(self.logs(smoothed) * keep[:, None, None])

    def plain(self, tables):
        pairs = np.zeros((0, COARSE**2, len(self.share)))
        return Network(tables, self.factors.is_direction, self.coarse, np.zeros((2, 0), int), pairs)

    def bandwidth(self, learn):
        labels = self.known[learn].sum() / len(self.share)
        return self.settings.bandwidth * max(labels, 1.0) ** -0.2

    def kernel(self, bandwidth):
        """(f, levels, levels), rows sum to one: how a row at one level counts at the others.

        By distance in ranks and by the levels' shares, so that it widens to "as often as overall".
        """
        middle, share = self.factors.middle, self.factors.share
        near = np.exp(-(((middle[:, :, None] - middle[:, None, :]) / bandwidth) ** 2) / 2) * share[:, None, :]
        return near / np.maximum(near.sum(axis=2, keepdims=True), np.finfo(float).tiny)

    def logs(self, counts):
        """Counts (f, levels, C) -> log of how much more often than overall, shrunken to 0; 0 where no row ever is."""
        strength, overall = self.settings.strength, self.factors.share[:, :, None]
        rate = (counts + strength * overall) / (counts.sum(axis=1, keepdims=True) + strength)
        return np.log(np.divide(rate, overall, out=np.ones_like(rate), where=overall > 0))

    def gains(self, counts, smoothed, kernel, known):
        """(f,) nats by which each factor, alone, makes labels more probable that are left out one by one.

        A row's own part is taken from its table in closed form, so that nothing is refitted. The only row of a category
        cannot be left out.
        """
        strength, overall = self.settings.strength, self.factors.share[:, :, None]
        total = known.sum(axis=0)
        own = np.divide((known**2).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)  # (C,) of a row
        itself = np.diagonal(kernel, axis1=1, axis2=2)[:, :, None]
        joint = self.share * (smoothed + strength * overall) / (total + strength)
        without = self.share * (smoothed - own * itself + strength * overall) / (total - own + strength)
        without = np.maximum(without, 1e-12)
        probability = without / (joint.sum(axis=2, keepdims=True) - joint + without)
        return (counts * np.log(probability / self.share))[:, :, total - own > 1e-9].sum(axis=(1, 2))

    def shapes(self, learn, naive, weights):
        """{(tree, crowd): network}: without and with edges, without and with unlabeled rows in the tables."""
        found = {(False, False): naive}
        if not (self.settings.tree or self.settings.crowd):
            return found
        guess = self.guess(learn, naive.weighted(weights))
        if self.settings.crowd:
            found[False, True] = self.crowded(learn, naive, guess)
        if self.settings.tree:
            edges, pairs = self.tree(guess)
            for _, crowd in list(found):
                found[True, crowd] = replace(found[False, crowd], edges=edges, pairs=pairs)
        return found

    def guess(self, learn, network):
        """(r, C) probabilities of all rows, with what is known of the labeled ones that `learn` (L,) names."""
        targets = self.targets.copy()
        targets[: len(learn)][~learn] = 1.0
        return degrees.posterior(targets, given(network.evidence(self.codes), self.share))

    def crowded(self, learn, naive, guess):
        """Naive tables in which the rows without labels count, all together as much as those with: one step of EM."""
        crowd = np.append(~learn, np.ones(len(guess) - len(learn), bool))
        guess = guess[crowd] * self.known[learn].sum() / max(crowd.sum(), 1)
        bandwidth = self.bandwidth(learn)
        known = spread(counted(self.labeled[learn], self.levels, self.known[learn]), self.kernel(bandwidth))
        # Rows are many, so that neighbouring levels need to lend them less.
        guessed = spread(counted(self.codes[crowd], self.levels, guess), self.kernel(bandwidth / 2))
        return self.plain(self.logs(known + guessed) * naive.tables.any(axis=(1, 2), keepdims=True))

    def tree(self, guess):
        """Edges (2, e) of the tree of factors most dependent within categories, and their tables (e, COARSE^2, C).

        Of all factors: two that tell nothing alone may tell much together.
        """
        ranks = self.factors.middle[np.arange(self.codes.shape[1]), self.codes]
        edges = chow_liu(ndtri(np.clip(ranks, 1e-3, 1 - 1e-3)), guess)
        codes = pair_codes(self.codes, edges, self.coarse)
        counts = counted(codes, COARSE**2, guess).reshape(
            edges.shape[1], COARSE, COARSE, guess.shape[1]
        )  # (e, child, parent, C)
        total = guess.sum(axis=0)
        child, parent = ((counts.sum(axis=axis, keepdims=True) + 1 / COARSE) / (total + 1) for axis in (2, 1))
        apart = child * parent
        together = (counts + PAIRS * apart) / (total + PAIRS)
        return edges, np.log(together / apart).reshape(edges.shape[1], COARSE**2, guess.shape[1])


def spread(counts, kernel):
    """Counts (f, levels, C) lent to other levels by kernel (f, levels, levels)."""
    return kernel.transpose(0, 2, 1) @ counts


def chow_liu(scores, guess):
    """Normal scores (r, f) and categories (r, C) -> (2, f - 1) child and parent, by mutual information within."""
    if scores.shape[1] < 2:
        return np.zeros((2, 0), int)
    total = np.maximum(guess.sum(axis=0), np.finfo(float).tiny)[:, None]
    sums = guess.T @ scores
    within = (scores.T @ scores - sums.T @ (sums / total)) / len(scores)
    deviation = np.sqrt(np.maximum(np.diag(within), 1e-9))
    correlation = np.clip(within / np.outer(deviation, deviation), -0.999, 0.999)
    information = -np.log1p(-(correlation**2)) / 2
    tree = minimum_spanning_tree(csr_matrix(-information - 1e-9))  # an entry of 0 would be no edge at all
    order, parent = breadth_first_order(tree, 0, directed=False)
    return np.stack([order[1:], parent[order[1:]]])


def folds(labels, count, random):
    """(L,) of 0 .. count - 1, each label spread over them as evenly as may be."""
    order = random.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    found = np.empty(len(labels), int)
    found[order] = np.arange(len(labels)) % count
    return found


def fit_weights(evidences, known, share):
    """Weights (k,) >= 0 under which evidences (k, L, C) make known (L, C) most probable, and the loss there.

    A few labels say little: a pull holds the weights together, a weaker one holds them at 1, and as many of the labels
    as DOUBT are imagined to be wrong.
    """
    total, categories = known.sum(), known.shape[1]
    doubt = DOUBT / (total + 2)
    wanted = known * (1 - doubt) + (known.sum(axis=1, keepdims=True) - known) * doubt / max(categories - 1, 1)

    def loss(logs):
        weights = np.exp(logs)
        found = log_softmax(np.tensordot(weights, evidences, 1) + np.log(share), axis=1)
        off = np.exp(found) * known.sum(axis=1, keepdims=True) - wanted
        slope = weights * np.tensordot(evidences, off, 2)
        apart = logs - logs.mean()
        pull = (apart**2).sum() + (logs**2).sum() / 20
        return pull - (wanted * found).sum(), slope + 2 * apart + logs / 10

    found = minimize(
        loss, np.full(len(evidences), -1.0), jac=True, method="L-BFGS-B", bounds=[(-5, 3)] * len(evidences)
    )
    return np.exp(found.x), float(found.fun)
