"""Who says it: how reliable people are, and what their share tells."""

import numpy as np
import pytest

from labeling.crowd import Answers, Choices, Consensus, fitting
from tests.answered import a_crowd, right, votes


def test_the_good_outweigh_the_many():
    skill = np.r_[np.full(6, 0.95), np.full(24, 0.3)]
    choices, truth, _ = a_crowd(3, items=600, workers=30, answers=7, skill=skill)
    fitted = Consensus().fit(choices)
    assert right(fitted.probas_, truth) > right(votes(choices, 4), truth) + 0.05


def test_workers_are_rated_better_than_by_agreement_with_the_vote():
    errors, covered = [], []
    for seed in range(5):
        lazy = np.where(np.arange(60) < 15, 0.3, 0.85)
        choices, truth, skill = a_crowd(seed, items=500, workers=60, skill=lazy)
        fitted = Consensus().fit(choices)
        share = [np.bincount(choices.worker, labels[choices.item] == choices.category) / np.bincount(choices.worker)
                 for labels in (votes(choices, 4).argmax(axis=1), truth)]  # fmt: skip
        errors.append([abs(rating - share[1]).mean() for rating in (fitted.workers_.rating, share[0])])
        covered.append(abs(fitted.workers_.rating - skill) < 2 * fitted.workers_.error)
    rated, voted = np.mean(errors, axis=0)
    assert rated < 0.7 * voted
    assert np.mean(covered) > 0.85


def test_a_rating_is_as_unsure_as_the_truth_that_it_was_measured_by():
    """Who was right in ten items that nobody else has judged is rated as people usually are."""
    choices, _, _ = a_crowd(3, items=200)
    item, worker = np.r_[choices.item, np.arange(200, 210)], np.r_[choices.worker, np.full(10, 40)]
    fitted = Consensus().fit(Choices(item, np.r_[choices.category, np.zeros(10, int)], worker), shape=(210, 4))
    assert fitted.workers_.rating[40] == pytest.approx(fitted.workers_.rating[:40].mean(), abs=0.12)


def test_a_worker_who_turns_two_categories_round_is_understood():
    random = np.random.default_rng(5)
    truth = random.integers(2, size=400)
    choices, _, _ = a_crowd(5, categories=2, workers=10, skill=np.full(10, 0.85), truth=truth)
    flipped = Choices(choices.item, np.where(choices.worker == 0, 1 - choices.category, choices.category),
                      choices.worker)  # fmt: skip
    fitted = Consensus().fit(flipped)
    assert fitted.workers_.rating[0] < 0.4 < 0.75 < fitted.workers_.rating[1:].min()


def test_known_truth_rates_its_workers_and_answers_its_items():
    """Most of the crowd sees each category as the next; it is believed until half of the truth is known."""
    skill = np.r_[np.full(4, 0.9), np.full(10, 0.2 / 3)]
    for seed in range(3):
        choices, truth, _ = a_crowd(seed, items=120, workers=14, answers=4, skill=np.full(14, 0.85))
        misled = choices._replace(category=(choices.category + (choices.worker >= 4)) % 4)
        alone = Consensus().fit(misled)
        told = Consensus().fit(misled, gold=(np.arange(60), truth[:60], np.ones(60)))
        assert (told.probas_[:60].argmax(axis=1) == truth[:60]).all()
        assert right(alone.probas_[60:], truth[60:]) < 0.4 < 0.8 < right(told.probas_[60:], truth[60:])
        errors = [abs(one.workers_.rating - skill).mean() for one in (told, alone)]
        assert errors[0] < 0.5 * errors[1]


def test_a_known_no_takes_its_category_out():
    choices = Choices(np.array([0, 0]), np.array([1, 1]), np.array(["ada", "bob"]))
    probas = Consensus().fit(choices, gold=(np.array([0]), np.array([1]), np.array([0.0])), shape=(1, 3)).probas_
    assert probas[0] == pytest.approx([0.5, 0, 0.5])


# --- degrees ---------------------------------------------------------------------------------------------------------


def test_a_degree_corrects_the_share_for_who_ticks_too_little():
    random = np.random.default_rng(11)
    degree = random.choice([0.0, 0.3, 0.7, 1.0], size=300, p=[0.4, 0.1, 0.1, 0.4])
    item = np.repeat(np.arange(300), 20)
    worker = np.tile(np.arange(20), 300)
    thinks = random.random(len(item)) < degree[item]
    ticks = thinks & (random.random(len(item)) < 0.6) | (random.random(len(item)) < 0.02)
    said = Answers(item, np.zeros(len(item), int), worker, ticks.astype(float))
    fitted = Consensus(exclusive=False).fit(said)
    raw = np.bincount(item, ticks) / 20
    share = fitted.degrees_.share[:, 0]
    assert abs(share - degree).mean() < 0.75 * abs(raw - degree).mean()


def test_a_degree_grows_surer_with_people():
    """Half of so many people say yes to the last cell; on the cells before, everybody agrees."""

    def error(people):
        item, worker = np.repeat(np.arange(21), people), np.tile(np.arange(people), 21)
        value = np.where(item < 20, item % 2, worker % 2).astype(float)
        said = Answers(item, np.zeros(len(item), int), worker, value)
        return Consensus(exclusive=False).fit(said).degrees_.error[-1, 0]

    assert error(40) < 0.6 * error(10)
    assert error(10) < 0.8 * error(4)


# --- those who do not look -------------------------------------------------------------------------------------------


def copied(choices, copiers):
    """The same answers, but those of the first so many workers repeat the first answer about the item."""
    first = np.unique(choices.item, return_index=True)[1]
    echo = choices.category[first][choices.item]
    return choices._replace(category=np.where(choices.worker < copiers, echo, choices.category))


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_that_was_copied_is_no_second_witness(seed):
    choices, truth, _ = a_crowd(seed, items=600, answers=4)
    copies = copied(choices, 10)
    fitted = Consensus().fit(copies)
    assert right(fitted.probas_, truth) > right(votes(copies, 4), truth) + 0.02
    assert fitted.workers_.copies[:10].mean() > 0.3 > 0.02 > fitted.workers_.copies[10:].mean()


@pytest.mark.parametrize("seed", range(3))
def test_who_is_often_right_is_not_taken_for_a_copier(seed):
    choices, _, _ = a_crowd(seed, items=600, skill=np.r_[np.full(10, 0.97), np.full(30, 0.6)])
    assert not Consensus().fit(choices).workers_.copies.any()


def test_more_than_a_few_are_not_taken_for_copiers(monkeypatch):
    """Were they most of a crowd, nobody could tell them from the many who agree."""
    copies = copied(a_crowd(0, items=600, answers=4)[0], 10)
    assert Consensus().fit(copies).workers_.copies.any()
    monkeypatch.setattr(fitting, "FEW", 0.2)
    assert not Consensus().fit(copies).workers_.copies.any()


def test_people_who_are_never_wrong_are_not_taken_for_copiers():
    item = np.repeat(np.arange(60), 3)
    said = Choices(item, item % 3, np.tile(np.arange(3), 60))
    cells = Answers(item, np.zeros(180, int), said.worker, (item % 2).astype(float))
    assert not Consensus().fit(said).workers_.copies.any()
    assert not Consensus().fit(cells, shape=(60, 3)).workers_.copies.any()
    assert not Consensus(exclusive=False).fit(cells).workers_.copies.any()


def test_people_who_are_asked_only_what_is_so_are_not_taken_for_copiers():
    item = np.r_[0, np.repeat(np.arange(1, 16), 3)]
    worker = np.r_[0, np.tile([1, 2, 3], 15)]
    fitted = Consensus().fit(Answers(item, (item - 1) % 3, worker, np.ones(46)), shape=(16, 3))
    assert not fitted.workers_.copies.any()
    assert (fitted.probas_[1:].max(axis=1) > 0.9).all()


def test_a_copier_of_yes_and_no_is_found_too():
    choices, _, _ = a_crowd(4, items=800, categories=2, answers=4)
    copies = copied(choices, 10)
    said = Answers(copies.item, np.zeros(len(copies.item), int), copies.worker, copies.category.astype(float))
    found = Consensus(exclusive=False).fit(said).workers_.copies
    assert found[:10].mean() > 0.2 > 0.02 > found[10:].mean()


@pytest.mark.parametrize("seed", range(3))
def test_who_always_says_the_same_speaks_for_nothing(seed):
    """A third of the crowd always clicks the last of eight categories; together they must not make it the truth."""
    choices, truth, _ = a_crowd(seed, items=300, categories=8, workers=18, answers=3)
    said = choices._replace(category=np.where(choices.worker < 6, 7, choices.category))
    fitted = Consensus().fit(said)
    assert right(fitted.probas_, truth) > right(votes(said, 8), truth) + 0.1
    assert (fitted.probas_.argmax(axis=1) == 7).mean() < 0.25
    said_by_clicker = np.array(fitted.workers_.rates)[:6, :, 7]
    assert (said_by_clicker > 0.5).all()  # whatever the truth is
