"""Rules bred by a genetic algorithm, one of the automated classifiers of US 8,589,317 B2."""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from segmentation import artifacts, degrees
from segmentation.breeding import Population, Rules
from segmentation.estimating import Semisupervised
from segmentation.factors import Factors, blocks
from segmentation.scaling import Scaling
from segmentation.tables import fit_weights, folds, given

CROWD = 1_000  # rows that tell how often a rule fires overall
SHOWN = 2_000  # labeled rows that rules are bred for, at most: each generation tries every rule on all of them


class EvolvedRules(Semisupervised):
    """Rules of a few conditions on factors, bred for each category, that vote.

    A rule says "levels 3 to 9 of this factor and at least 20 of that one". Each category has a population of rules,
    begun around its labeled rows and bred by crossover and mutation. A rule is fit if whether it fires tells its
    category from the others, each labeled row being left out in turn, and if it is short; how often it fires overall is
    counted on rows without labels, so that a few labels suffice. It votes for every category by how much more often
    than overall it fires, or is silent, there. The labels are split into folds and each fold's rules are bred without
    seeing it; how they vote there says how far the votes of all may be trusted, which calibrates.

    It can be read (`describe`), does not mind units or outliers, and finds factors that tell only together. It takes
    time, which grows with the categories, and looks at no more than 2,000 labeled rows. Rules cut along factors, so it
    loses where boundaries are smooth or slanting: with ten labels a category it is about a point of accuracy behind the
    Bayesian network of the same factors, and with a handful chance decides which rules are bred.

    Parameters
    ----------
    exclusive : one category an item; False: two populations, for yes and no, for each category.
    population : rules a category, even.
    generations : of breeding. More of them fit the labels more closely than the truth.
    conditions : of a rule, at most.
    parsimony : nats that a condition must be worth, all rows of the category together.
    strength : rows' worth of "no more often than overall" mixed into each count.
    levels, directions : of the factors, see `segmentation.factors.Factors`; at most 256 levels.
    folds : of the labels, each with populations of its own.
    scaling : see `segmentation.scaling.Scaling`; it matters to the directions only.
    progress : called as progress(fraction in [0, 1], message) while it fits.
    random_state : int, RandomState or None. The same int gives the same rules.

    Attributes
    ----------
    classes_ : (C,)
    transduction_ : (n, C) probabilities of the fitted rows.
    factors_ : the `Factors`.
    votes_ : of each problem the `Rules`, what each votes (R, C), and what is voted if none fires (C,).

    References
    ----------
    Mahfoud 1995, "Niching methods for genetic algorithms" (deterministic crowding). Holland 1986, "Escaping
    brittleness" (rules bred by genetic algorithms). Parmanto, Munro, Doyle 1996, "Reducing variance of committee
    prediction with resampling techniques" (each fold's rules vote).
    """

    def __init__(
        self,
        exclusive=True,
        population=120,
        generations=30,
        conditions=3,
        parsimony=0.1,
        strength=1.0,
        levels=32,
        directions=16,
        folds=5,
        scaling="auto",
        progress=None,
        random_state=None,
    ):
        self.exclusive = exclusive
        self.population = population
        self.generations = generations
        self.conditions = conditions
        self.parsimony = parsimony
        self.strength = strength
        self.levels = levels
        self.directions = directions
        self.folds = folds
        self.scaling = scaling
        self.progress = progress
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        """X (n, d) finite; y and sample_weight as in `DeepSegmentation.fit`."""
        self._check_parameters()
        X, targets, weight = self._told(X, y, sample_weight)
        self.scaling_ = Scaling(self.scaling).fit(X)
        x = self.scaling_.transform(X)
        self.factors_ = Factors.of(x, self.levels, self.directions)
        codes = np.ascontiguousarray(np.vstack([self.factors_.levels(block) for block in blocks(x)]).T)
        random = check_random_state(self.random_state)
        problems = degrees.problems(targets, weight, self.exclusive)
        self.shares_ = [degrees.shares(*problem) for problem in problems]
        self.votes_ = [
            self._votes(codes, *problem, share, random, self._reporter(done, len(problems)))
            for done, (problem, share) in enumerate(zip(problems, self.shares_, strict=True))
        ]
        self.transduction_ = self._probabilities(codes)
        return self

    def predict_proba(self, X):
        """(n, d) -> (n, C); rows sum to one where categories are exclusive."""
        check_is_fitted(self)
        x = self.scaling_.transform(validate_data(self, X, dtype=(np.float32, np.float64), reset=False))
        return np.vstack([self._probabilities(self.factors_.levels(block).T) for block in blocks(x)])

    def describe(self, names=None, most=5):
        """The rules that weigh most for each category, as sentences, in the units of X.

        Parameters
        ----------
        names : (d,) of the features. Default: "feature 0" and so on.
        most : rules a category.
        """
        check_is_fitted(self)
        names = [f"feature {k}" for k in range(self.n_features_in_)] if names is None else names
        return [
            f"{self._conditions(rules[[rule]], names)}: {category} ({weights[rule, column]:+.2f})"
            for category, rules, weights, column in self._by_category()
            for rule in np.argsort(-weights[:, column], kind="stable")[:most]
        ]

    def to_arrays(self):
        """What prediction needs, as named arrays without objects."""
        check_is_fitted(self)
        parts = [
            {"share": share, "weights": weights, "silence": silence} | vars(rules)
            for share, (rules, weights, silence) in zip(self.shares_, self.votes_, strict=True)
        ]
        return artifacts.packed(self, parts) | self.factors_.to_arrays()

    @classmethod
    def from_arrays(cls, arrays):
        """A classifier that predicts as the one whose `to_arrays` these are; np.load(file) will do."""
        fitted, parts = artifacts.unpacked(cls(), arrays)
        fitted.factors_ = Factors.from_arrays(arrays)
        fitted.shares_ = [part["share"] for part in parts]
        names = Rules.__dataclass_fields__
        fitted.votes_ = [(Rules(*(part[it] for it in names)), part["weights"], part["silence"]) for part in parts]
        return fitted

    def _probabilities(self, codes):
        found = [
            given(rules.said(codes, weights) + silence, share)
            for share, (rules, weights, silence) in zip(self.shares_, self.votes_, strict=True)
        ]
        return degrees.joined(found, self.exclusive)

    def _votes(self, codes, targets, weight, share, random, report):
        """Rules (R), weights (R, C) and silence (C,) of one exclusive problem."""
        labels, certainty = degrees.to_labels(targets)
        weight = np.where(labels == degrees.UNLABELED, 0, weight * certainty)
        labeled = np.flatnonzero(weight > 0)
        labeled = np.sort(random.permutation(labeled)[:SHOWN])
        if len(np.unique(labels[labeled])) < 2:
            return no_rules(self.conditions), np.zeros((0, len(share))), np.zeros(len(share))
        known = np.eye(len(share))[labels[labeled]] * weight[labeled, None]
        rest = np.setdiff1d(np.arange(len(weight)), labeled)
        rest = rest if len(rest) else labeled
        crowd = codes[:, random.choice(rest, min(CROWD, len(rest)), replace=False)]
        return self._committee(codes[:, labeled], crowd, known, share, random, report)

    def _committee(self, codes, crowd, known, share, random, report):
        """The rules of every fold, each fold's votes counting the same, and weighted as its left-out rows ask for."""
        fold = folds(known.argmax(axis=1), self.folds, random)
        left_out, members = np.zeros((1, *known.shape)), []
        for done, k in enumerate(np.unique(fold)):
            rules, weights, silence = self._bred(codes[:, fold != k], crowd, known[fold != k], random, done, report)
            left_out[0, fold == k] = rules.said(codes[:, fold == k], weights) + silence
            members.append((rules, weights, silence))
        (trust,), _ = fit_weights(left_out, known, share)
        trust *= steadier([rules.said(crowd, weights) for rules, weights, _ in members]) / len(members)
        rules, weights, silence = zip(*members, strict=True)
        return Rules.joined(rules), trust * np.vstack(weights), trust * np.sum(silence, axis=0)

    def _bred(self, codes, crowd, known, random, done, report):
        settings = self.levels, self.population, self.conditions, self.strength, self.parsimony
        population = Population(codes, crowd, known, *settings, random)
        for generation in range(self.generations):
            report((done + generation / self.generations) / self.folds, f"Breeding rules, generation {generation + 1}")
            population.generation()
        return population.evidence()

    def _by_category(self):
        """Each category's name, with the rules, weights and column that speak for it."""
        for k, category in enumerate(self.classes_):
            rules, weights, _ = self.votes_[0 if self.exclusive else k]
            yield category, rules, weights, k if self.exclusive else 1

    def _conditions(self, rule, names):
        parts = zip(rule.factor[0], rule.low[0].astype(int), rule.width[0].astype(int), strict=True)
        said = [self._condition(*part, names) for part in parts if part[2] < self.factors_.share.shape[1] - 1]
        return " and ".join(said) or "always"

    def _condition(self, factor, low, width, names):
        d = len(names)
        cuts = np.concatenate([[-np.inf], self.factors_.cuts[factor], [np.inf]])[[low, low + width + 1]]
        if factor < d:
            cuts = cuts * self.scaling_.scale_[factor] + self.scaling_.center_[factor]
        name = names[factor] if factor < d else f"direction {factor - d}"
        ends = [f"{word} {cut:.4g}" for word, cut in zip(("above", "below"), cuts, strict=True) if np.isfinite(cut)]
        return f"{name} " + (" and ".join(ends) or "anything")

    def _reporter(self, done, problems):
        if self.progress is None:
            return lambda fraction, message: None
        return lambda fraction, message: self.progress((done + fraction) / problems, message)

    def _check_parameters(self):
        for name, least in {"population": 2, "generations": 0, "conditions": 1, "directions": 0, "folds": 2}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)!r}; at least {least} is needed.")
        if self.population % 2:
            raise ValueError(f"population is {self.population!r}; it is even, because rules breed in pairs.")
        if not 2 <= self.levels <= 256:
            raise ValueError(f"levels is {self.levels!r}; it lies between 2 and 256.")
        if not self.strength > 0:
            raise ValueError(f"strength is {self.strength!r}; it is above 0.")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags


def steadier(votes):
    """How many times as far the mean of votes, each (n, C), may be trusted as one of them.

    What each fold's rules say by accident cancels in the mean, and with it the reason to trust it so little: the
    correction for attenuation by errors of measurement (Spearman 1904).
    """
    votes = np.stack(votes)
    votes = votes - votes.mean(axis=2, keepdims=True)  # a vote for all categories is none
    votes = votes - votes.mean(axis=1, keepdims=True)
    one, mean = (votes**2).sum(axis=(1, 2)).mean(), (votes.mean(axis=0) ** 2).sum()
    return one / mean if mean > 0 else 1.0


def no_rules(conditions):
    empty = np.zeros((0, conditions), np.uint8)
    return Rules(empty.astype(int), empty, empty, np.zeros(0, int))
