"""Directions found without labels: rows count by what they say and not by how loudly."""

import numpy as np

from segmentation.features.axes import Axes, Rows, directions


def test_a_row_that_leans_the_same_way_more_strongly_is_described_the_same():
    random = np.random.default_rng(0)
    A = random.normal(size=(50, 8))
    axes = Axes.of(A, 5, np.random.RandomState(0))
    np.testing.assert_allclose(axes(axes.centre + 7 * (A - axes.centre)), axes(A), atol=1e-5)


def test_columns_have_a_mean_variance_of_one_and_a_mean_of_nought():
    X = Axes.of(np.random.default_rng(0).normal(size=(60, 9)) * np.arange(1, 10), 4, np.random.RandomState(0))
    X = X(np.random.default_rng(0).normal(size=(60, 9)) * np.arange(1, 10))
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-5)
    assert abs(X.var(axis=0).mean() - 1) < 1e-4


def test_rows_alike_up_to_rounding_stay_alike():
    A = 1 + 1e-9 * np.random.default_rng(0).normal(size=(50, 8))
    assert np.abs(Axes.of(A, 5, np.random.RandomState(0))(A)).max() < 1e-6


def test_a_row_near_the_middle_says_little_and_not_noise():
    random = np.random.default_rng(0)
    R = random.normal(size=(50, 6))
    rows = Rows.of(R)
    faint = rows(1e-9 * R)
    assert np.ptp(faint, axis=0).max() < 1e-5


def test_directions_are_those_of_the_full_decomposition():
    A = np.random.default_rng(0).normal(size=(80, 20)) * np.geomspace(1, 0.01, 20)
    axes, strengths = directions(A, 3, np.random.RandomState(0))
    _, right, exact = np.linalg.svd(A, full_matrices=False)
    np.testing.assert_allclose(strengths, right[:3], rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(axes * exact[:3].T, axis=0)), 1, atol=1e-2)
