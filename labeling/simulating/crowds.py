"""People made up: how good each is, what each item looks like to everybody, and what each would say if asked.

Every answer is drawn before anybody is asked, so that every policy meets the same people with the same slips (common
random numbers). What people find hard is what a classifier finds hard, and they err towards what it would take an item
for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import expit, logit

MISSED = 0.6  # of a wrong choice's chance: that the item's own category, asked about alone, is denied
ANYHOW = 0.1  # of it: that a category that the item looks nothing like is accepted
HASTE = 0.3  # of the usual time a spammer takes
PACE, MOMENT = 0.3, 0.4  # standard deviations, in logs of seconds, between people and between answers
SECONDS = {"yes_no": (1.6, 0.4), "categories": (2.0, 0.25), "items": (2.0, 0.7)}  # an answer, and each cell of it
SLIPS = {"yes_no": 1.0, "categories": 1.0, "items": 1.1}


@dataclass(frozen=True)
class Quality:
    """What kind of people they are.

    people : how many
    lowest, spread : a skill is lowest + spread * Beta(2, 2): the chance of choosing rightly among all categories of an
        item of ordinary difficulty
    skills : measured skills to draw from instead, if there are any
    slips : {kind: times that the errors in it are multiplied by}
    harder : logits that skill loses on an item that a classifier has no idea about
    spammers, copiers : shares of the people who answer without looking; who repeat what was said of an item before
    seconds : {kind: (of an answer, of each cell of it)}, medians
    """

    people: int = 40
    lowest: float = 0.55
    spread: float = 0.40
    skills: tuple[float, ...] = ()
    slips: Mapping[str, float] = field(default_factory=dict)
    harder: float = 1.5
    spammers: float = 0.0
    copiers: float = 0.0
    seconds: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Crowd:
    """People (W), items (n) and categories (C) as they are, whoever asks what.

    truth : (n, C) bool
    right : (n, W) chance of a right choice among all categories
    looks : (n, C) what each item looks like but what it is, in [0, 1]; where one is chosen, rows sum to one
    spams, copies : (W,) bool
    pace : (W,) times the usual seconds
    """

    truth: np.ndarray
    right: np.ndarray
    looks: np.ndarray
    spams: np.ndarray
    copies: np.ndarray
    pace: np.ndarray
    slips: Mapping[str, float]
    seconds: Mapping[str, tuple[float, float]]
    exclusive: bool
    seed: int

    @cached_property
    def luck(self) -> np.ndarray:
        """(n, W, C + 1) uniform draws: of each cell, and last of a choice."""
        shape = (*self.right.shape, self.truth.shape[1] + 1)
        return np.random.default_rng([self.seed, 1]).random(shape, np.float32)

    @cached_property
    def moments(self) -> np.ndarray:
        """(n, W) times the usual seconds, by chance."""
        return np.exp(MOMENT * np.random.default_rng([self.seed, 2]).standard_normal(self.right.shape))

    def chosen(self, item: int, worker: int) -> int:
        """The one category that this worker chooses for this item."""
        luck, categories = float(self.luck[item, worker, -1]), self.truth.shape[1]
        if self.spams[worker]:
            return min(int(luck * categories), categories - 1)
        wrong = (1 - self.right[item, worker]) * self.slips["categories"]
        if luck >= wrong:
            return int(self.truth[item].argmax())
        return min(int((luck >= wrong * np.cumsum(self.looks[item])).sum()), categories - 1)

    def ticked(self, items, columns, worker: int, kind: str) -> np.ndarray:
        """(m, k) bool, yes or no to each cell by itself: what an item looks like is the sooner accepted."""
        cells = np.ix_(items, columns)
        luck = self.luck[:, worker][cells]
        if self.spams[worker]:
            return luck < 0.5
        wrong = ((1 - self.right[items, worker]) * self.slips[kind])[:, None]
        taken_in = wrong * (ANYHOW + (1 - ANYHOW) * np.minimum(2 * self.looks[cells], 1))
        return luck < np.where(self.truth[cells], 1 - MISSED * wrong, taken_in)

    def answer(self, items, columns, worker: int, kind: str, choice: bool) -> np.ndarray:
        """(m, k) bool to a query that shows these items and categories. choice: one category is chosen of each item."""
        if not choice:
            return self.ticked(items, columns, worker, kind)
        return np.array([np.asarray(columns) == self.chosen(item, worker) for item in items])

    def time(self, items, columns, worker: int, kind: str) -> float:
        """Seconds until this worker has answered."""
        first, each = self.seconds[kind]
        usual = (first + each * len(items) * len(columns)) * self.pace[worker] * self.moments[items[0], worker]
        return float(usual * (HASTE if self.spams[worker] else 1))


def crowd(seen: np.ndarray, truth: np.ndarray, quality: Quality, exclusive: bool, seed: int) -> Crowd:
    """People of this quality about these items.

    seen : (n, C) what a classifier that never saw an item's own truth says of it; truth : (n, C) bool
    """
    random = np.random.default_rng([seed, 0])
    people = quality.people
    doubt = doubts(seen, truth, exclusive) + random.normal(0, 0.2, len(truth))
    skill = np.clip(skills(quality, random), 0.02, 0.99)
    right = expit(logit(skill)[None, :] - quality.harder * (doubt - doubt.mean())[:, None])
    honest = random.permutation(people)
    spammers, copiers = (round(share * people) for share in (quality.spammers, quality.copiers))
    return Crowd(
        truth=truth, right=right, looks=look_alikes(seen, truth, exclusive),
        spams=np.isin(np.arange(people), honest[:spammers]),
        copies=np.isin(np.arange(people), honest[spammers : spammers + copiers]),
        pace=np.exp(PACE * random.standard_normal(people)),
        slips=SLIPS | dict(quality.slips), seconds=SECONDS | dict(quality.seconds), exclusive=exclusive, seed=seed,
    )  # fmt: skip


def skills(quality: Quality, random: np.random.Generator) -> np.ndarray:
    """(W,) drawn from those that were measured, else as the literature's crowds are."""
    if quality.skills:
        return random.choice(np.asarray(quality.skills, float), quality.people)
    return quality.lowest + quality.spread * random.beta(2, 2, quality.people)


def doubts(seen: np.ndarray, truth: np.ndarray, exclusive: bool) -> np.ndarray:
    """(n,) in [0, 1]: how little the classifier makes of what an item is."""
    wrong = np.abs(truth - seen)
    return (wrong * truth).sum(axis=1) if exclusive else wrong.mean(axis=1)


def look_alikes(seen: np.ndarray, truth: np.ndarray, exclusive: bool) -> np.ndarray:
    """(n, C): what the item itself looks like, and a little what others of its categories are taken for."""
    share = truth / np.maximum(truth.sum(axis=0), 1)  # (n, C)
    mistaken = share.T @ seen  # (C, C): what items of a category are taken for, on average
    own = truth / np.maximum(truth.sum(axis=1, keepdims=True), 1)
    looks = np.where(truth, 0.0, seen + 0.1 * own @ mistaken + 0.005)
    return looks / looks.sum(axis=1, keepdims=True) if exclusive else np.minimum(looks, 1.0)


class Hearsay:
    """What was said aloud of each cell so far (n, C), NaN where nothing: copiers repeat it."""

    def __init__(self, crowd: Crowd):
        self.crowd, self.said = crowd, np.full(crowd.truth.shape, np.nan)

    def answer(self, items, columns, worker: int, kind: str, choice: bool) -> np.ndarray:
        """(m, k) bool that this worker says, which others may overhear."""
        said = self.crowd.answer(items, columns, worker, kind, choice)
        cells = np.ix_(items, columns)
        if self.crowd.copies[worker]:
            said = repeated(said, self.said[cells], choice)
        self.said[cells] = said
        return said


def repeated(own: np.ndarray, heard: np.ndarray, choice: bool) -> np.ndarray:
    """(m, k) what a copier says: what was heard where something was, else the copier's own."""
    if not choice:
        return np.where(np.isnan(heard), own, heard > 0.5)
    heard = np.nan_to_num(heard)
    first = np.arange(own.shape[1]) == heard.argmax(axis=1)[:, None]
    return np.where((heard > 0.5).any(axis=1, keepdims=True), first, own)
