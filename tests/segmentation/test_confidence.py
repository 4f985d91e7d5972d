"""How sure the classifier is of its estimates, and whether it is right to be."""

import time

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss as oracle_log_loss

from segmentation.confidence import (
    category_confidence,
    cell_confidence,
    expected_calibration_error,
    fit_temperature,
    item_confidence,
    log_loss,
    log_losses,
    mean_confidence,
    tempered,
)

SURE_AND_TORN = np.array([[0.9, 0.1, 0.0], [0.4, 0.3, 0.3]])


def test_a_cell_is_as_sure_of_no_as_of_yes():
    np.testing.assert_allclose(cell_confidence([[0.9, 0.1], [0.5, 0.3]]), [[0.9, 0.9], [0.5, 0.7]])


def test_an_exclusive_item_is_as_sure_as_its_top_category():
    np.testing.assert_allclose(item_confidence(SURE_AND_TORN, exclusive=True), [0.9, 0.4])


def test_an_item_of_several_categories_is_as_sure_as_its_most_doubtful_cell():
    np.testing.assert_allclose(item_confidence(SURE_AND_TORN, exclusive=False), [0.9, 0.6])


def test_a_cell_people_agreed_on_leaves_no_doubt_in_its_item():
    open_cells = np.array([[True, True, True], [False, True, True]])
    np.testing.assert_allclose(item_confidence(SURE_AND_TORN, False, open_cells), [0.9, 0.7])
    np.testing.assert_allclose(item_confidence(SURE_AND_TORN, False, np.zeros((2, 3), bool)), 1)


def test_the_mean_is_over_items_not_agreed():
    assert mean_confidence(SURE_AND_TORN, exclusive=True) == pytest.approx(0.65)
    assert mean_confidence(SURE_AND_TORN, exclusive=True, agreed=[True, False]) == pytest.approx(0.4)


def test_one_agreed_cell_settles_an_exclusive_item_and_no_other():
    agreed = np.array([[True, False, False], [False, False, False]])
    assert mean_confidence(SURE_AND_TORN, True, agreed) == pytest.approx(0.4)
    assert mean_confidence(SURE_AND_TORN, False, agreed) == pytest.approx((0.9 + 0.6) / 2)
    agreed[0] = True
    assert mean_confidence(SURE_AND_TORN, False, agreed) == pytest.approx(0.6)


def test_where_all_is_agreed_nothing_is_left_to_be_unsure_of():
    assert mean_confidence(SURE_AND_TORN, True, [True, True]) == 1
    assert mean_confidence(np.empty((0, 3)), True) == 1
    np.testing.assert_array_equal(category_confidence(SURE_AND_TORN, [True, True]), 1)


def test_a_category_is_as_sure_as_its_cells_not_agreed_are_on_average():
    np.testing.assert_allclose(category_confidence(SURE_AND_TORN), [0.75, 0.8, 0.85])
    agreed = np.array([[True, False, False], [False, False, False]])
    np.testing.assert_allclose(category_confidence(SURE_AND_TORN, agreed), [0.6, 0.8, 0.85])


# --- calibration -----------------------------------------------------------------------------------------------------


def test_confidence_that_comes_true_has_no_calibration_error():
    random = np.random.default_rng(0)
    confidence = random.random(200_000)
    correct = random.random(200_000) < confidence
    assert expected_calibration_error(confidence, correct) < 0.01
    assert expected_calibration_error(confidence, random.random(200_000) < confidence - 0.2) > 0.15


def test_the_calibration_error_is_the_weighted_gap_of_each_bin():
    confidence, correct = [0.95, 0.95, 0.95, 0.62], [True, True, False, True]
    assert expected_calibration_error(confidence, correct) == pytest.approx((3 * abs(0.95 - 2 / 3) + 0.38) / 4)
    assert expected_calibration_error([1.0, 0.0], [True, False]) == 0
    assert expected_calibration_error([1.0, 0.94], [False, True]) == pytest.approx(
        (1.94 - 1) / 2
    )  # 1 is in the last bin
    assert np.isnan(expected_calibration_error([], []))


def test_a_temperature_keeps_order_and_sum_and_one_changes_nothing():
    for temperature in (0.3, 1, 4):
        p = tempered(SURE_AND_TORN, temperature, exclusive=True)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        assert (p.argmax(axis=1) == SURE_AND_TORN.argmax(axis=1)).all()
    np.testing.assert_allclose(tempered(SURE_AND_TORN, 1, True), SURE_AND_TORN, atol=1e-5)
    np.testing.assert_allclose(tempered(SURE_AND_TORN, 1, False), SURE_AND_TORN, atol=1e-5)
    assert tempered(SURE_AND_TORN, 2, True).max() < 0.9 < tempered(SURE_AND_TORN, 0.5, True).max()


def drawn(n=4000):
    """Probabilities of ten categories and truths drawn from them: calibrated as they stand."""
    random = np.random.default_rng(1)
    p = softmax(random.normal(size=(n, 10)) * 2, axis=1)
    return p, (random.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, 9)


def calibration_error(p, truth):
    return expected_calibration_error(p.max(axis=1), p.argmax(axis=1) == truth)


def test_an_exclusive_classifier_too_sure_by_three_is_cooled_by_three():
    p, truth = drawn()
    oversure = softmax(3 * np.log(p), axis=1)
    temperature = fit_temperature(oversure[:2000], truth[:2000], exclusive=True)
    assert temperature == pytest.approx(3, rel=0.1)
    after = tempered(oversure[2000:], temperature, exclusive=True)
    assert calibration_error(after, truth[2000:]) < 0.03 < 0.15 < calibration_error(oversure[2000:], truth[2000:])


def test_a_classifier_of_several_categories_too_unsure_is_sharpened():
    random = np.random.default_rng(2)
    p = random.beta(0.5, 0.5, (1000, 4))
    truth = (random.random(p.shape) < p).astype(float)
    truth[random.random(p.shape) < 0.3] = np.nan
    unsure = tempered(p, 2, exclusive=False)
    temperature = fit_temperature(unsure, truth, exclusive=False)
    assert temperature == pytest.approx(0.5, rel=0.1)
    assert log_loss(tempered(unsure, temperature, False), truth, False) < log_loss(unsure, truth, False)


def test_a_few_right_rows_do_not_make_a_classifier_certain():
    p = np.tile([0.6, 0.3, 0.1], (5, 1))
    assert 0.1 < fit_temperature(p, np.zeros(5, int), exclusive=True) < 1
    assert fit_temperature(p, np.full(5, -1), exclusive=True) == 1


# --- log-loss --------------------------------------------------------------------------------------------------------


def test_log_loss_is_scikit_learns_and_clipped():
    p, truth = drawn(200)
    assert log_loss(p, truth, True) == pytest.approx(oracle_log_loss(truth, p, labels=range(10)), rel=1e-4)
    assert log_loss([[1.0, 0.0]], [1], True) == pytest.approx(-np.log(1e-6))
    assert log_loss([[1.0, 0.0]], [[0, 1]], False) == pytest.approx(-np.log(1e-6))


def test_what_nobody_knows_costs_nothing():
    np.testing.assert_allclose(log_losses([[0.5, 0.5], [0.2, 0.8]], [-1, 1], True), [np.nan, -np.log(0.8)])
    p, truth = [[0.5, 0.9], [0.5, 0.5], [0.4, 0.2]], [[np.nan, 1], [np.nan, np.nan], [1, 0]]
    expected = [-np.log(0.9), np.nan, -(np.log(0.4) + np.log(0.8)) / 2]
    np.testing.assert_allclose(log_losses(p, truth, False), expected)
    assert np.isnan(log_loss([[0.5, 0.5]], [-1], True))


def test_truth_of_another_shape_or_category_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2,\), which does not fit probabilities of shape \(1, 2\)"):
        log_losses([[0.5, 0.5]], [0, 1], True)
    with pytest.raises(ValueError, match="names category 2, but there are 2"):
        log_losses([[0.5, 0.5]], [2], True)


def test_a_million_items_of_ten_categories_take_moments():
    p = np.random.default_rng(0).random((1_000_000, 10), dtype=np.float32)
    agreed = p < 0.3
    start = time.process_time()
    cell_confidence(p), mean_confidence(p, True), mean_confidence(p, False, agreed), category_confidence(p, agreed)
    tempered(p, 1.5, True)
    assert time.process_time() - start < 5
    assert item_confidence(p, False).dtype == tempered(p, 1.5, True).dtype == np.float32
