"""What breaks a model that learns from what it believes: few answers, a classifier in the loop, errors in common."""

import numpy as np
import pytest

from labeling.crowd import Answers, Choices, Consensus
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
    assert 0.99 < Consensus(sweeps=0).fit(said, shape=(1, 3)).probas_[0, 0] < 0.998


def test_known_truth_tells_of_errors_that_all_share():
    """Everybody sees a third of the items as the next category; answers agree on that, only gold tells."""
    choices, truth, _ = a_crowd(13, items=600, answers=4, skill=np.full(40, 0.85))
    looks = np.where(np.random.default_rng(13).random(600) < 0.3, 1, 0)
    misled = choices._replace(category=(choices.category + looks[choices.item]) % 4)
    gold = np.arange(200), truth[:200], np.ones(200)
    alone, told = Consensus().fit(misled, shape=(600, 4)), Consensus().fit(misled, gold=gold, shape=(600, 4))
    assert np.diag(told.looks_.whole).mean() < np.diag(alone.looks_.whole).mean() - 0.1
    gap = [one.probas_[200:].max(axis=1).mean() - right(one.probas_[200:], truth[200:]) for one in (alone, told)]
    assert gap[1] < gap[0] - 0.05


def test_a_frequency_that_may_be_chance_decides_nothing():
    """Of two categories, where three answers happen to overlap on two items of one."""
    item = np.r_[np.arange(50), [0, 0, 1, 1]]
    category = np.r_[np.random.default_rng(0).integers(2, size=50), [1, 1, 1, 1]]
    category[:2] = 1
    fitted = Consensus().fit(Choices(item, category, np.arange(54)), shape=(80, 2))
    assert np.allclose(fitted.base_, 0.5) and np.allclose(fitted.probas_[50:], 0.5)


# --- what ruined whole runs without a sound --------------------------------------------------------------------------


def test_a_sure_classifier_settles_nothing_where_it_has_seen_hardly_anything():
    """Otherwise a cluster that it takes for something else would never be asked about again."""
    choices, truth, _ = a_crowd(20, items=500, answers=3)
    asked = choices.item < 400
    choices = Choices(*(column[asked] for column in choices[:3]))
    prior = np.full((500, 4), 0.01)
    prior[np.arange(500), np.where(np.arange(500) < 450, truth, (truth + 1) % 4)] = 0.97  # wrong on the last cluster
    mass = np.where(np.arange(500) < 450, 200.0, 1.0)
    fitted = Consensus().fit(choices, prior=prior, mass=mass)
    assert fitted.blend_ == 1
    assert fitted.probas_[400:450].max(axis=1).min() > 0.85 > 0.6 > fitted.probas_[450:].max(axis=1).max()


@pytest.mark.parametrize("sure", [0.4, 0.97])
def test_a_prior_that_is_too_little_or_too_sure_makes_nobody_look_better(sure):
    choices, truth, _ = a_crowd(21, answers=3)
    prior = np.full((400, 4), (1 - sure) / 3)
    prior[np.arange(400), truth] = sure
    alone, joint = Consensus().fit(choices), Consensus().fit(choices, prior=prior)
    assert joint.blend_ > 0
    assert np.array_equal(alone.workers_.rating, joint.workers_.rating)
    assert np.array_equal(alone.looks_.half, joint.looks_.half)


@pytest.mark.parametrize("seed", range(3))
def test_many_workers_with_few_answers_each_absorb_no_category(seed):
    """Free confusion matrices give a third of these items to one category, and lose 20 points."""
    choices, truth, _ = a_crowd(seed, items=400, categories=10, workers=200, answers=1.6)
    found = Consensus().fit(choices, shape=(400, 10)).probas_.argmax(axis=1)
    assert np.bincount(found, minlength=10).min() > 15 and np.bincount(found).max() < 75
    assert (found == truth).mean() > right(votes(choices, 10), truth) - 0.02


@pytest.mark.parametrize("exclusive", [True, False])
def test_many_yeses_to_one_cell_are_worth_less_than_as_many_to_as_many_cells(exclusive):
    one = Answers(np.zeros(12, int), np.zeros(12, int), np.arange(12), np.ones(12))
    evidence = Consensus(exclusive, sweeps=0).fit(one, shape=(1, 2))
    gain = abs(np.diff(evidence.evidence_[0])[0])
    single = abs(
        np.diff(Consensus(exclusive, sweeps=0).fit(Answers(*(c[:1] for c in one[:4])), shape=(1, 2)).raw_[0])[0]
    )
    assert single < gain < 6 * single
