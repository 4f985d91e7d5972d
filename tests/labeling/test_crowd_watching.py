"""Suspicions as wagers: what an honest worker wins on average, who is found out, and that the others are left alone."""

import numpy as np
import pytest
from scipy.stats import binom

from labeling.crowd import Choices, Consensus, following, watching
from tests.benchmarks.crowds import generated
from tests.crowding import said_by


def fitted(item, label, worker, shape):
    choices = Choices(item, label, worker)
    return choices, Consensus().fit(choices, shape=shape), np.unique(worker)


def of_crowd(crowd):
    return fitted(crowd.item, crowd.label, crowd.worker, (len(crowd.truth), crowd.categories))


def of_table(said):
    item, worker = np.divmod(np.arange(said.size), said.shape[1])
    return fitted(item, said.ravel(), worker, (len(said), int(said.max()) + 1))


def guessing_odds(choices, model, workers):
    return watching.guessing(watching.foretold(model, choices), workers).odds


# --- wagers ----------------------------------------------------------------------------------------------------------


def test_an_honest_worker_wins_nothing_on_average_by_answering_fast():
    """Each answer is fast with the probability that is still honest; looked at after every one."""
    for answers in (1, 10, 40):
        fast = np.arange(answers + 1)
        won = np.exp(watching._hasty(fast, np.full(len(fast), answers)))
        assert won @ binom.pmf(fast, answers, watching.HASTY) == pytest.approx(1)
    random = np.random.default_rng(0)
    fast = np.cumsum(random.random((20_000, 20)) < watching.HASTY, axis=1)
    odds = np.array([watching._hasty(fast[:, n - 1], np.full(len(fast), n)) for n in range(1, 21)])
    assert 0.005 < (odds.max(axis=0) >= np.log(20)).mean() <= 0.05, "ever, at any look"


def test_who_pays_just_enough_attention_wins_nothing_on_average():
    """Answers foretold exactly: with the habit that the wager has learned, or as an ordinary worker, by ATTENTION."""
    random = np.random.default_rng(1)
    workers, answers, values = 20_000, watching.FEWEST, 3
    usual = random.dirichlet(np.ones(values), (workers, answers))
    counts = np.full((workers, values), 0.5)
    said = np.zeros((workers, answers), int)
    for n in range(answers):
        habit = counts / counts.sum(axis=1, keepdims=True)
        honest = (1 - watching.ATTENTION) * habit + watching.ATTENTION * usual[:, n]
        said[:, n] = (random.random(workers)[:, None] > np.cumsum(honest, axis=1)).sum(axis=1)
        counts[np.arange(workers), said[:, n]] += 1
    worker = np.repeat(np.arange(workers), answers)
    m = len(worker)
    form = watching.Foretold(said.ravel(), worker, np.arange(m), usual.reshape(m, values),
                             usual.reshape(m, values), np.ones(m), np.ones(m, bool))  # fmt: skip
    odds = watching.guessing([form], np.arange(workers)).odds
    assert np.exp(odds).mean() == pytest.approx(1, abs=0.15)


def test_of_those_flagged_so_few_are_honest_as_the_level_says():
    random, level, false, flagged = np.random.default_rng(2), 0.1, [], 0
    for _ in range(400):
        shift = np.where(np.arange(40) < 10, 3.0, 0.0)
        odds = 2.0 * (random.normal(shift, 1)) - 2.0  # the likelihood ratio of a normal mean of 2 against 0
        found = watching.flagged(odds, level)
        flagged += found[:10].sum()
        false.append(found[10:].sum() / max(found.sum(), 1))
    assert np.mean(false) <= level and flagged > 400


def test_among_honest_people_hardly_anybody_is_ever_flagged():
    random = np.random.default_rng(3)
    odds = 2.0 * random.normal(size=(4000, 40)) - 2.0
    assert np.mean([watching.flagged(one, 0.05).any() for one in odds]) <= 0.05


def test_nothing_is_flagged_where_nothing_was_judged():
    assert not watching.flagged(np.full(5, -np.inf), 0.05).any()
    assert not watching.flagged(np.zeros((3, 0)), 0.05).any()


# --- who is found out ------------------------------------------------------------------------------------------------


def auc(positive, score):
    more = score[positive][:, None] - score[~positive][None]
    return (more > 0).mean() + (more == 0).mean() / 2


def test_guessers_are_told_after_ten_answers_nearly_as_by_one_who_knows_the_truth():
    ours, oracle = [], []
    for seed in range(12):
        crowd = generated("spamming", seed, items=100, answers=5)
        crowd = crowd.some(np.random.default_rng(seed).permutation(len(crowd.item)))
        able = np.flatnonzero(np.bincount(crowd.worker, minlength=40) >= 10)
        keep = np.concatenate([np.flatnonzero(crowd.worker == one)[:10] for one in range(40)])
        ten = crowd.some(np.sort(keep))
        choices, model, workers = of_crowd(ten)
        doubt = watching.guessing(watching.foretold(model, choices), workers).doubt[np.searchsorted(workers, able)]
        right = np.array([(ten.label == ten.truth[ten.item])[ten.worker == one].mean() for one in able])
        ours.append(auc(able < 13, doubt)), oracle.append(auc(able < 13, -right))
    assert np.mean(ours) >= 0.97 * np.mean(oracle), (np.mean(ours), np.mean(oracle))


@pytest.mark.parametrize("habit", ["skilled", "biased", "hard"])
def test_honest_crowds_are_left_alone_whatever_their_errors(habit):
    for seed in range(5):
        choices, model, workers = of_crowd(generated(habit, seed))
        odds = [guessing_odds(choices, model, workers), following.copying(model, choices, workers).odds]
        assert watching.flagged(np.array(odds), 0.05).sum() <= (habit == "biased"), "some biased ones are no help"


def test_most_guessers_are_found_and_nobody_else():
    found, others = 0, 0
    for seed in range(5):
        choices, model, workers = of_crowd(generated("spamming", seed, answers=8))
        flags = watching.flagged(guessing_odds(choices, model, workers), 0.05)
        found, others = found + flags[workers < 13].sum(), others + flags[workers >= 13].sum()
    assert found >= 45 and others == 0


def test_who_copies_whoever_came_first_is_found():
    choices, model, workers = of_crowd(generated("copying", 3, answers=8))
    flags = watching.flagged(following.copying(model, choices, workers).odds, 0.05)
    assert flags[workers < 10].sum() >= 8 and not flags[workers >= 10].any()


@pytest.mark.parametrize("seed", range(3))
def test_twins_do_not_pass_for_the_truth_nor_cast_suspicion_on_others(seed):
    """One guesses, one repeats another: a model that hears both takes their errors for the truth."""
    said = said_by(seed, items=80, categories=4, skill=0.72)
    said[:, 0] = np.random.default_rng(1).integers(4, size=80)
    said[:, 5] = said[:, 2]
    choices, model, workers = of_table(said)
    found = following.copying(model, choices, workers)
    assert np.flatnonzero(watching.flagged(found.odds, 0.05)).tolist() == [5]
    assert found.other[5] == 2 and found.same[5] == found.erred[5] >= 10 and found.usual[5] < 0.3


def test_excused_answers_are_not_held_against_whoever_gave_them():
    said = said_by(0, items=80, categories=4, skill=0.72)
    said[:, 0] = np.random.default_rng(1).integers(4, size=80)
    said[:, 5] = said[:, 2]
    choices, model, workers = of_table(said)
    excused = {0: len(choices.item), 5: len(choices.item)}
    forms = watching.foretold(model, choices, excused)
    assert watching.guessing(forms, workers).of[0] == 0
    assert following.copying(model, choices, workers, excused).odds[5] == -np.inf


def test_half_of_a_crowd_that_hurries_does_not_change_what_is_usual():
    random = np.random.default_rng(0)
    seconds = np.exp(random.normal(np.log(5), 0.3, (9, 30)))
    seconds[:4] = 0.5
    worker = np.repeat(np.arange(9), 30)
    found = watching.hurrying(worker, seconds.ravel(), np.zeros(270), np.arange(9))
    assert np.flatnonzero(watching.flagged(found.odds, 0.05)).tolist() == [0, 1, 2, 3]
    assert found.fast[:4].tolist() == [30] * 4 and found.median[0] == pytest.approx(5, rel=0.2)


def test_each_kind_has_its_own_usual_time():
    """A yes or no takes two seconds, a grid twenty: who answers more of the quick kind is not in a hurry."""
    random = np.random.default_rng(0)
    kind = np.tile(np.repeat([0, 1], 20), 6)
    seconds = np.where(kind == 0, 2.0, 20.0) * np.exp(random.normal(0, 0.3, len(kind)))
    worker = np.repeat(np.arange(6), 40)
    rows = ~((worker == 0) & (kind == 1))
    found = watching.hurrying(worker[rows], seconds[rows], kind[rows], np.arange(6))
    assert found.fast.sum() == 0 and found.of[0] == 20
