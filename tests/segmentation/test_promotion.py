"""The new classifier replaces the old one unless the exam proves it worse."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from segmentation.promotion import accuracy, promote


def classifier(truth, right, sure=0.9, categories=3, seed=0):
    """Probabilities (m, C) with the truth on top for a share `right` of the items."""
    random = np.random.default_rng(seed)
    named = np.where(random.random(len(truth)) < right, truth, (truth + 1) % categories)
    p = np.full((len(truth), categories), (1 - sure) / (categories - 1))
    p[np.arange(len(truth)), named] = sure
    return p


def exam(items=200, categories=3):
    return np.random.default_rng(9).integers(categories, size=items)


def test_a_proven_worse_classifier_is_refused():
    truth = exam()
    verdict = promote(classifier(truth, 0.9), classifier(truth, 0.6, seed=1), truth, exclusive=True)
    assert not verdict.publish
    assert verdict.items == 200 and verdict.difference > verdict.bound > 0
    assert verdict.reason.startswith("Refused: on 200 exam items its log-loss is ")
    assert f"worse by at least {verdict.bound:.3f} with 95% confidence. The old one stays." in verdict.reason


def test_a_better_classifier_is_published():
    truth = exam()
    verdict = promote(classifier(truth, 0.6), classifier(truth, 0.9, seed=1), truth, exclusive=True)
    assert verdict.publish and verdict.bound < verdict.difference < 0
    assert verdict.reason.startswith("Published: on 200 exam items") and "chance" not in verdict.reason


def test_a_worse_figure_that_may_be_chance_is_published_and_says_so():
    truth = exam(60)
    verdict = promote(classifier(truth, 0.85), classifier(truth, 0.8, seed=1), truth, exclusive=True)
    assert verdict.publish and verdict.difference > 0 > verdict.bound
    assert verdict.reason.endswith("the difference may be chance.")


def test_the_same_classifier_again_is_published():
    truth = exam()
    verdict = promote(classifier(truth, 0.8), classifier(truth, 0.8), truth, exclusive=True)
    assert verdict[0] and verdict[2:] == (200, 0, 0)


def test_below_fifty_exam_items_even_a_disaster_is_published():
    for items, published in ((49, True), (50, False)):
        truth = exam(items)
        verdict = promote(classifier(truth, 1), classifier(truth, 0), truth, exclusive=True)
        assert verdict.publish is published and verdict.items == items
        assert ("not enough to judge" in verdict.reason) is published


def test_items_without_truth_do_not_count_towards_fifty():
    truth = exam(80)
    truth[40:] = -1
    verdict = promote(classifier(truth, 1), classifier(truth, 0), truth, exclusive=True)
    assert verdict.publish and verdict.items == 40


def test_a_first_classifier_and_an_empty_exam_are_published():
    truth = exam()
    first = promote(None, classifier(truth, 0.5), truth, exclusive=True)
    assert first.publish and "first" in first.reason
    empty = promote(np.empty((0, 3)), np.empty((0, 3)), np.empty(0, int), exclusive=True)
    assert empty.publish and empty.reason.startswith("Published: 0 exam items are not enough to judge it")


def test_every_verdict_can_be_kept_as_json():
    truth = exam()
    new = classifier(truth, 0.5)
    for old, known in ((None, truth), (new, truth), (new, np.full(200, -1))):
        json.dumps(promote(old, new, known, exclusive=True)._asdict(), allow_nan=False)


def test_equal_classifiers_are_hardly_ever_refused():
    refused = 0
    for seed in range(400):
        truth = np.random.default_rng(seed).integers(3, size=100)
        old, new = (classifier(truth, 0.8, seed=1000 * half + seed) for half in (1, 2))
        refused += not promote(old, new, truth, exclusive=True).publish
    assert 4 < refused < 36  # one in twenty, by chance


def test_categories_that_are_not_exclusive_are_judged_by_their_known_cells():
    random = np.random.default_rng(0)
    truth = (random.random((100, 4)) < 0.3).astype(float)
    good, bad = np.where(truth == 1, 0.9, 0.1), np.where(truth == 1, 0.4, 0.3)
    assert not promote(good, bad, truth, exclusive=False).publish
    assert promote(bad, good, truth, exclusive=False).publish
    truth[:60] = np.nan
    assert promote(good, bad, truth, exclusive=False).items == 40


def test_an_item_the_old_one_never_saw_is_not_compared():
    truth = exam(120)
    old = classifier(truth, 0.9)
    old[100:] = np.nan
    assert promote(old, classifier(truth, 0.9, seed=1), truth, exclusive=True).items == 100


def test_a_category_the_old_one_never_knew_counts_against_it():
    truth = exam(100)
    new = classifier(truth, 0.9)
    verdict = promote(new[:, :2], new, truth, exclusive=True)
    assert verdict.publish and verdict.difference < 0


def test_a_classifier_without_probabilities_is_refused_even_if_first():
    truth = exam()
    new = classifier(truth, 0.9)
    new[3] = np.nan
    verdict = promote(None, new, truth, exclusive=True)
    assert not verdict.publish and verdict.reason == "Refused: 1 of 200 exam items got no probability."


def test_shapes_that_do_not_meet_are_refused():
    truth = exam()
    with pytest.raises(ValueError, match="does not fit"):
        promote(None, classifier(truth, 1)[:10], truth, exclusive=True)
    with pytest.raises(ValueError, match="does not fit"):
        promote(classifier(truth, 1)[:10], classifier(truth, 1), truth, exclusive=True)


# --- accuracy --------------------------------------------------------------------------------------------------------


def test_accuracy_is_the_share_of_items_right_with_wilsons_interval():
    truth = np.zeros(30, int)
    p = np.tile([0.6, 0.4], (30, 1))
    p[:6] = [0.4, 0.6]
    wilson = binomtest(24, 30).proportion_ci(method="wilson")
    assert accuracy(p, truth, exclusive=True) == pytest.approx((0.8, wilson.low, wilson.high, 30))


def test_a_perfect_exam_still_leaves_room_for_doubt():
    estimate = accuracy(np.tile([1.0, 0.0], (20, 1)), np.zeros(20, int), exclusive=True)
    assert estimate.value == 1 and 0.8 < estimate.low < 0.9 and estimate.high == 1


def test_several_categories_are_counted_by_known_cell_and_as_few_trials_as_items():
    truth = np.array([[1, 0, np.nan], [0, 0, 1], [np.nan] * 3])
    p = np.array([[0.8, 0.1, 0.9], [0.7, 0.2, 0.5], [0.5, 0.5, 0.5]])
    value, low, high, items = accuracy(p, truth, exclusive=False)
    assert value == pytest.approx(4 / 5) and items == 2
    assert low < 0.3 and high > 0.95


def test_no_known_item_makes_no_estimate():
    assert accuracy(np.full((2, 2), 0.5), np.array([-1, -1]), exclusive=True) == (None, 0.0, 1.0, 0)
    assert accuracy(np.empty((0, 2)), np.empty((0, 2)), exclusive=False) == (None, 0.0, 1.0, 0)
