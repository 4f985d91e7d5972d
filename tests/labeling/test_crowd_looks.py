"""Items that look like what they are not: half, so that people are torn, or wholly, so that all are misled."""

import numpy as np
import pytest

from labeling.crowd import Answers, Consensus, Looks, Said, evidence, heard, looks, unheard
from labeling.crowd.posteriors import posterior
from tests.answered import a_crowd, right

RATES = np.array([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.05, 0.05, 0.9]])


def said_of_one(labels):
    row = unheard(3, exclusive=True)
    for label in labels:
        row = heard(row, Said(label, choice=True), RATES)
    return row


def torn_crowd(seed, share, items=400, answers=6):
    """Of this share of items each person sees the item's own category or one other, as likely as not."""
    choices, truth, _ = a_crowd(seed, items, answers=answers, skill=np.full(40, 0.85))
    random = np.random.default_rng([seed, 1])
    hard = random.random(items) < share
    turned = hard[choices.item] & (random.random(len(choices.item)) < 0.5)
    other = random.integers(1, 4, items)
    return choices._replace(category=(choices.category + turned * other[choices.item]) % 4), truth


@pytest.mark.parametrize("base", [np.full(3, 1 / 3), np.array([0.7, 0.2, 0.1])])
def test_every_item_looks_like_something(base):
    found = looks.looks(0.3, 0.02, base)
    assert (found.half + found.whole).sum(axis=1) == pytest.approx(1)
    assert found.half.diagonal() == pytest.approx(0) and found.whole.diagonal().min() > 0.5
    assert np.allclose(looks.met(found).sum(axis=1), 1)
    torn = base[:, None] * found.half
    assert np.allclose(torn, torn.T)  # one of two that pass for each other is as likely the one as the other


def test_evidence_sums_over_everything_an_item_may_look_like():
    found, labels = looks.looks(0.3, 0.05, np.full(3, 1 / 3)), [0, 0, 1, 2]
    seen = RATES[:, labels]
    expected = [
        sum(found.whole[z, c] * seen[c].prod() + found.half[z, c] * ((seen[z] + seen[c]) / 2).prod() for c in range(3))
        for z in range(3)
    ]
    assert evidence(said_of_one(labels), found) == pytest.approx(np.log(expected))


def test_where_nothing_looks_like_anything_else_every_answer_counts_in_full():
    row = said_of_one([0, 1, 0])
    assert evidence(row, Looks(np.zeros((3, 3)), np.eye(3))) == pytest.approx(row.raw)


def test_what_one_person_more_will_see_is_what_the_item_may_look_like():
    row, found = said_of_one([0, 0, 1]), looks.looks(0.3, 0.05, np.full(3, 1 / 3))
    seen = looks.seen(row.raw, row.torn, np.full(3, 1 / 3), found)
    again = [np.exp(evidence(said_of_one([0, 0, 1, said]), found)).sum() for said in range(3)]
    assert seen @ RATES == pytest.approx(np.array(again) / np.sum(again))


def test_rates_are_averages_over_what_items_look_like():
    found = looks.looks(0.1, 0.02, np.full(3, 1 / 3))
    sharp = looks.plain(RATES, found)
    assert np.allclose(looks.met(found) @ sharp, RATES) and (np.diag(sharp) > np.diag(RATES)).all()


def test_people_who_disagree_tell_of_a_hard_item():
    """Six against four are not worth two against none."""
    found = looks.usual(2, exclusive=True)
    rates = np.array([[0.75, 0.25], [0.25, 0.75]])

    def lead(labels):
        row = unheard(2, exclusive=True)
        for label in labels:
            row = heard(row, Said(label, choice=True), rates)
        return row.raw[0] - row.raw[1], -np.diff(evidence(row, found))[0]

    (split, hard), (plain, easy) = lead([0] * 6 + [1] * 4), lead([0] * 2)
    assert split == pytest.approx(plain) and hard < 0.8 * easy


@pytest.mark.parametrize("seed", range(3))
def test_how_many_items_are_torn_is_told_by_the_answers(seed):
    few, many = (Consensus().fit(torn_crowd(seed, share)[0], shape=(400, 4)) for share in (0.0, 0.5))
    assert few.looks_.half.sum(axis=1).max() <= 0.1 < 0.2 <= many.looks_.half.sum(axis=1).min()


def test_where_items_are_hard_people_are_believed_less():
    choices, truth = torn_crowd(5, 0.5)
    fitted = Consensus().fit(choices, shape=(400, 4))
    naive = posterior(fitted.raw_, fitted.base_, True)
    gap, before = (p.max(axis=1).mean() - right(p, truth) for p in (fitted.probas_, naive))
    assert abs(gap) < 0.7 * before


def test_known_truth_tells_which_category_passes_for_which():
    """Half of the first category's items look like the second to everybody; the other categories are what they seem."""
    choices, truth, _ = a_crowd(6, items=600, skill=np.full(40, 0.85))
    passes = (truth == 0) & (np.random.default_rng(6).random(600) < 0.5)
    misled = choices._replace(category=(choices.category + passes[choices.item]) % 4)
    gold = np.arange(120), truth[:120], np.ones(120)
    alone, told = (Consensus().fit(misled, gold=known, shape=(600, 4)) for known in (None, gold))
    whole = told.looks_.whole / told.looks_.whole.sum(axis=1, keepdims=True)
    assert whole[0, 1] > 0.25 and np.diag(whole)[1:].min() > 0.9
    doubtful = alone.probas_[120:].argmax(axis=1) == 1
    sure = [one.probas_[120:].max(axis=1) for one in (alone, told)]
    assert sure[1][doubtful].mean() < sure[0][doubtful].mean() - 0.1
    assert sure[1][~doubtful].mean() == pytest.approx(sure[0][~doubtful].mean(), abs=0.05)
    assert right(told.probas_[120:], truth[120:]) > right(alone.probas_[120:], truth[120:]) - 0.01


def test_what_is_rare_is_not_taken_for_torn():
    """Hardly anybody ticks a box that hardly ever holds; where three of four do, it holds."""
    random = np.random.default_rng(7)
    truth, rows = random.random((300, 2)) < [0.04, 0.5], []
    for item in range(300):
        for worker in random.choice(20, 4, replace=False):
            ticked = np.where(truth[item], random.random(2) < 0.8, random.random(2) < 0.05)
            rows += [(item, column, worker, float(ticked[column])) for column in range(2)]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    fitted = Consensus(exclusive=False).fit(Answers(*columns))
    torn = fitted.looks_.half.sum(axis=2)
    assert torn[0, 0] < 0.1 * torn[0, 1]
    ticks = np.zeros((300, 2))
    np.add.at(ticks, (columns[0], columns[1]), columns[3])
    assert fitted.probas_[ticks[:, 0] >= 3, 0].min() > 0.7 and fitted.probas_[ticks[:, 0] == 0, 0].max() < 0.02


def test_answers_copied_or_chosen_out_of_fewer_are_heard_in_full():
    """What is read once for all who say the same, and what is read by itself, come to the same evidence."""
    choices, _, _ = a_crowd(8, categories=3)
    offered = np.ones((len(choices.item), 3), bool)
    some = choices.item < 50
    offered[some, (choices.category[some] + 1) % 3] = False
    fitted = Consensus().fit(choices._replace(offered=offered), shape=(400, 3))
    rates = dict(zip(fitted.workers_.name, fitted.workers_.rates, strict=True))
    for item in (7, 70):
        row = unheard(3, exclusive=True)
        for at in sorted(np.flatnonzero(choices.item == item), key=lambda at: choices.worker[at]):
            among = None if offered[at].all() else offered[at]
            row = heard(row, Said(choices.category[at], choice=True, offered=among), rates[choices.worker[at]])
        logs = evidence(row, fitted.looks_)
        assert logs - logs.max() == pytest.approx(fitted.evidence_[item])
