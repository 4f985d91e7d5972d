"""What breaks a model that learns from what it believes: few answers, a classifier in the loop, errors in common."""

import numpy as np
import pytest

from labeling.crowd import Choices, Consensus
from tests.answered import a_crowd, real, right, votes


@pytest.mark.parametrize("answers", [1.1, 1.4, 1.8, 2.2])
@pytest.mark.parametrize("seed", range(3))
def test_a_cold_start_does_not_slide_into_one_category(answers, seed):
    choices, truth, _ = a_crowd(seed, items=500, categories=5, answers=answers - 0.3 if answers < 1.5 else answers)
    fitted = Consensus().fit(choices)
    share = np.bincount(fitted.probas_.argmax(axis=1), minlength=5) / 500
    assert share.max() < 0.32
    assert right(fitted.probas_, truth) > right(votes(choices, 5), truth) - 0.02


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 1.0])
def test_a_prior_that_is_sure_and_wrong_on_a_cluster_does_not_mislead(share):
    choices, truth, categories = real("amazon_isbook")
    random = np.random.default_rng(7)
    rows = random.random(len(choices.item)) < share
    choices = Choices(*(column[rows] for column in choices[:3]))
    claimed = np.where((random.random(len(truth)) < 0.3) & (truth == 0), 1, truth)  # a third of one class
    prior = np.full((len(truth), categories), 0.05)
    prior[np.arange(len(truth)), claimed] = 0.95
    alone = Consensus().fit(choices, shape=prior.shape)
    joint = Consensus().fit(choices, prior=prior)
    assert right(joint.probas_, truth) > right(alone.probas_, truth) - 0.01


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_a_prior_that_knows_nothing_is_not_believed(share):
    choices, truth, categories = real("music_genre")
    random = np.random.default_rng(8)
    prior = np.full((len(truth), categories), 0.05 / (categories - 1))
    prior[np.arange(len(truth)), random.integers(categories, size=len(truth))] = 0.95
    rows = random.random(len(choices.item)) < share
    fitted = Consensus().fit(Choices(*(column[rows] for column in choices[:3])), prior=prior)
    assert fitted.blend_ == 0


@pytest.mark.parametrize("share", [0.4, 0.6])
def test_a_classifier_that_learns_from_the_posterior_does_not_run_away_with_it(share):
    """It sees clusters that have little to do with the question, and is 95% sure of each cluster's majority."""
    choices, truth, categories = real("amazon_isbook")
    random = np.random.default_rng(12)
    rows = random.random(len(choices.item)) < share
    choices = Choices(*(column[rows] for column in choices[:3]))
    cluster = np.where(random.random(len(truth)) < 0.3, truth, random.integers(12, size=len(truth)))
    fitted = alone = Consensus().fit(choices, shape=(len(truth), categories))
    for _ in range(6):
        leaning = np.array([fitted.probas_[cluster == one].sum(axis=0) for one in range(12)])
        prior = np.where(leaning == leaning.max(axis=1, keepdims=True), 0.95, 0.05)[cluster]
        fitted = Consensus().fit(choices, prior=prior)
        assert right(fitted.probas_, truth) > right(alone.probas_, truth) - 0.01


def test_a_prior_that_knows_is_believed_and_leaves_the_evidence_alone():
    choices, truth, _ = a_crowd(9, answers=2)
    random = np.random.default_rng(9)
    claimed = np.where(random.random(400) < 0.8, truth, random.integers(4, size=400))
    prior = np.full((400, 4), 0.05)
    prior[np.arange(400), claimed] = 0.85
    alone, joint = Consensus().fit(choices), Consensus().fit(choices, prior=prior)
    assert joint.blend_ > 0
    assert right(joint.probas_, truth) > right(alone.probas_, truth) + 0.05
    assert np.array_equal(alone.evidence_, joint.evidence_)


def test_a_prior_made_from_little_counts_little():
    choices, truth, _ = a_crowd(10, answers=2)
    prior = np.full((400, 4), 0.02)
    prior[np.arange(400), truth] = 0.94
    little, much = (Consensus().fit(choices, prior=prior, mass=np.full(400, mass)) for mass in (1.0, 1000.0))
    assert little.probas_.max(axis=1).mean() < much.probas_.max(axis=1).mean()


def test_many_who_agree_are_less_sure_than_coins():
    """Ten people of 75% who all say the same are not ten independent witnesses."""
    said = Choices(np.zeros(10, int), np.zeros(10, int), np.arange(10))
    probas = Consensus(sweeps=0).fit(said, shape=(1, 2)).probas_
    assert 0.9 < probas[0, 0] < 1 / (1 + 3.0**-10)


def test_however_many_agree_there_is_a_limit_to_being_sure():
    said = Choices(np.zeros(200, int), np.zeros(200, int), np.arange(200))
    assert 0.97 < Consensus(sweeps=0).fit(said, shape=(1, 3)).probas_[0, 0] < 0.99


def test_known_truth_tells_of_errors_that_all_share():
    """Everybody sees a third of the items as the next category; answers agree on that, only gold tells."""
    choices, truth, _ = a_crowd(13, items=600, answers=4, skill=np.full(40, 0.85))
    looks = np.where(np.random.default_rng(13).random(600) < 0.3, 1, 0)
    misled = choices._replace(category=(choices.category + looks[choices.item]) % 4)
    gold = np.arange(200), truth[:200], np.ones(200)
    alone, told = Consensus().fit(misled, shape=(600, 4)), Consensus().fit(misled, gold=gold, shape=(600, 4))
    assert told.temperature_ > alone.temperature_
    gap = [one.probas_[200:].max(axis=1).mean() - right(one.probas_[200:], truth[200:]) for one in (alone, told)]
    assert gap[1] < gap[0] - 0.05


def test_a_frequency_that_may_be_chance_decides_nothing():
    """Of two categories, where three answers happen to overlap on two items of one."""
    item = np.r_[np.arange(50), [0, 0, 1, 1]]
    category = np.r_[np.random.default_rng(0).integers(2, size=50), [1, 1, 1, 1]]
    category[:2] = 1
    fitted = Consensus().fit(Choices(item, category, np.arange(54)), shape=(80, 2))
    assert np.allclose(fitted.base_, 0.5) and np.allclose(fitted.probas_[50:], 0.5)
