import numpy as np
import pytest
import torch

from segmentation import degrees


def test_a_known_row_is_smoothed_into_a_vector_that_sums_to_one():
    smoothed = degrees.smooth(np.eye(4), eps=1e-3)
    assert smoothed[0] == pytest.approx([1 - 3e-3, 1e-3, 1e-3, 1e-3])
    assert torch.allclose(degrees.smooth(torch.eye(4, dtype=torch.float64), 1e-3), torch.from_numpy(smoothed))


def test_smoothing_leaves_the_known_category_ahead_among_a_thousand():
    smoothed = degrees.smooth(np.eye(1000))
    assert smoothed[0, 0] > smoothed[0, 1] > 0
    assert smoothed.sum(axis=1) == pytest.approx(1)


def test_a_vector_becomes_likelihoods_with_all_ones_where_unlabeled():
    targets, classes = degrees.to_targets([7, -1, 3])
    assert classes.tolist() == [3, 7]
    assert targets.tolist() == [[0, 1], [1, 1], [1, 0]]


@pytest.mark.parametrize("y", [["cat", "-1", "dog"], np.array(["cat", -1, "dog"], dtype=object)])
def test_labels_may_be_strings(y):
    targets, classes = degrees.to_targets(y)
    assert classes.tolist() == ["cat", "dog"]
    assert targets.tolist() == [[1, 0], [1, 1], [0, 1]]


def test_a_vector_where_categories_are_not_exclusive_is_unknown_where_unlabeled():
    targets, _ = degrees.to_targets([0, -1, 1], exclusive=False)
    assert np.array_equal(targets, [[1, 0], [np.nan, np.nan], [0, 1]], equal_nan=True)


def test_minus_one_and_nan_both_say_unknown_where_categories_are_not_exclusive():
    targets, _ = degrees.to_targets([[1, -1], [0, 0.7]], exclusive=False)
    assert np.array_equal(targets, [[1, np.nan], [0, 0.7]], equal_nan=True)


def test_classes_may_be_given_so_that_one_never_labeled_keeps_its_column():
    targets, _ = degrees.to_targets([2, -1], classes=[1, 2, 3])
    assert targets.tolist() == [[0, 1, 0], [1, 1, 1]]


@pytest.mark.parametrize(
    ("y", "exclusive", "sentence"),
    [
        ([-1, -1], True, "no label"),
        ([[1, 0], [0, 0]], True, r"y\[1\].*rules out every category"),
        ([[1, 0], [1, np.nan]], True, r"y\[1\].*all ones, not NaN"),
        ([[1, 0], [1, 1.5]], True, r"y\[1\].*in \[0, 1\]"),
        ([[1, 0], [-2, 0]], False, r"y\[1\].*in \[0, 1\]"),
        ([["a", "b"]], True, "give numbers"),
        (np.ones((2, 0)), True, "no column"),
        (np.ones((2, 2, 2)), True, "3 dimensions"),
        (None, True, "requires y"),
    ],
)
def test_malformed_targets_are_refused_with_the_row_and_what_to_do(y, exclusive, sentence):
    with pytest.raises(ValueError, match=sentence):
        degrees.to_targets(y, exclusive=exclusive)


def test_a_label_that_is_no_class_is_refused_by_name():
    with pytest.raises(ValueError, match=r"y\[1\] is .*9"):
        degrees.to_targets([1, 9], classes=[1, 2])


def test_what_leans_which_way():
    leaning = degrees.leaning(np.array([[1, 0, 0], [1, 1, 1], [1, 1, 0], [0.2, 0.8, 0]]))
    assert leaning[0] == pytest.approx([1, -1, -1])  # known
    assert leaning[1] == pytest.approx([0, 0, 0])  # unlabeled
    assert leaning[2] == pytest.approx([0, 0, -1])  # "not the third" says nothing of the two others
    assert leaning[3] == pytest.approx([-0.4, 0.6, -1])


def test_the_posterior_of_a_partly_known_row_leaves_the_excluded_category_out():
    posterior = degrees.posterior(np.array([[1.0, 1.0, 0.0]]), np.array([[0.2, 0.2, 0.6]]))
    assert posterior[0] == pytest.approx([0.5, 0.5, 0.0])


def test_the_posterior_is_finite_where_evidence_and_prior_contradict():
    posterior = degrees.posterior(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]))
    assert posterior[0] == pytest.approx([0, 1])


def test_shares_imagine_one_row_of_each_category():
    targets = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=float)
    assert degrees.shares(targets, np.ones(3)) == pytest.approx(np.array([3, 1, 1]) / 5)


def test_what_a_row_leaves_open_is_divided_by_the_shares():
    known = np.repeat(np.eye(3), [70, 20, 10], axis=0)
    not_the_third = np.tile([1, 1, 0.0], (900, 1))
    share = degrees.shares(np.vstack([known, not_the_third]), np.ones(1000))
    assert share[2] == pytest.approx(0.011, abs=1e-3)
    assert share[0] / share[1] == pytest.approx(71 / 21, rel=0.01)


def test_rows_settled_by_asking_for_one_category_weigh_less():
    asked_for_the_third = np.array([[1, 1, 0.01]] * 20 + [[0, 0, 1]] * 10)
    targets = np.vstack([np.eye(3), asked_for_the_third, np.ones((4, 3))])
    weight = degrees.representative(targets, np.ones(len(targets)), np.full(3, 1 / 3))
    assert weight[0] == pytest.approx(weight[1])
    assert weight[23:33].sum() + weight[2] == pytest.approx(weight[0])
    assert weight[3:23] == pytest.approx(1)  # the rows that stay open keep theirs
    assert weight[33:] == pytest.approx(1)


def test_labels_for_other_estimators_keep_what_is_certain_and_leave_the_rest_out():
    y = np.array([[1, 0, 0], [1, 1, 1], [1, 1, 0.01], [0.1, 0.9, 0]])
    labels, weights = degrees.to_labels(y)
    assert labels.tolist() == [0, -1, -1, 1]
    assert weights == pytest.approx([1, 1, 1, 0.8])


def test_a_prior_decides_between_what_a_row_leaves_open():
    labels, weights = degrees.to_labels(np.array([[1, 1, 0.0], [1, 1, 1]]), prior=[0.6, 0.2, 0.2])
    assert labels.tolist() == [0, -1]  # but a row that says nothing stays unlabeled
    assert weights[0] == pytest.approx(0.5)


def test_each_category_that_is_not_exclusive_is_a_problem_of_no_and_yes():
    targets = np.array([[1, np.nan], [0.25, 0]])
    weight = np.array([[1.0, 2.0], [3.0, 4.0]])
    (first, w1), (second, w2) = degrees.problems(targets, weight, exclusive=False)
    assert first.tolist() == [[0, 1], [0.75, 0.25]]
    assert second.tolist() == [[1, 1], [1, 0]]
    assert (w1.tolist(), w2.tolist()) == ([1, 3], [2, 4])
    assert degrees.joined([np.array([[0.3, 0.7]]), np.array([[0.9, 0.1]])], exclusive=False).tolist() == [[0.7, 0.1]]


@pytest.mark.parametrize(
    ("weight", "sentence"),
    [
        ([1.0], "shape"),
        ([[1.0, 1.0]] * 2, "shape"),
        ([1.0, -1.0], "negative"),
        ([1.0, np.inf], "non-finite"),
        ([0, 0], "zero"),
    ],
)
def test_weights_that_mean_nothing_are_refused(weight, sentence):
    with pytest.raises(ValueError, match=sentence):
        degrees.checked_weight(weight, np.ones((2, 2)))
