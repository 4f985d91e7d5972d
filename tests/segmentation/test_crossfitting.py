import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression

from segmentation import views
from segmentation.classical import Classical
from segmentation.crossfitting import crossfit, fold_of, met, together


def classifier(fold):
    return Classical(LogisticRegression())


def problem(n=200, seed=0):
    return make_blobs(n, centers=3, n_features=4, cluster_std=2.0, random_state=seed)


def test_a_row_s_own_answer_never_reaches_its_prior():
    X, y = problem()
    before = crossfit(classifier, X, y, 5)
    changed = y.copy()
    changed[7] = (y[7] + 1) % 3
    after = crossfit(classifier, X, changed, 5)
    assert after.prior[7] == pytest.approx(before.prior[7])
    assert abs(after.prior - before.prior).max() > 1e-3  # but it reaches those of others


def test_duplicates_share_a_fold():
    X = np.repeat(np.random.RandomState(0).normal(size=(50, 3)), 2, axis=0)
    folds = together(fold_of([str(n) for n in range(100)], 5), X)
    assert (folds[::2] == folds[1::2]).all()
    assert len(set(folds)) > 1


def test_folds_are_the_same_from_run_to_run_and_about_even():
    keys = [f"item{n}" for n in range(1000)]
    folds = fold_of(keys, 5)
    assert (folds == fold_of(keys, 5)).all()
    assert folds[:4].tolist() == fold_of(keys[:4], 5).tolist()
    assert np.bincount(folds).min() > 150


def test_mass_is_large_where_labels_are_near_and_none_where_no_path_leads():
    X = np.vstack([np.random.RandomState(0).normal(size=(60, 2)), np.random.RandomState(1).normal(size=(60, 2)) + 100])
    y = np.full(120, -1)
    y[:40] = np.arange(40) % 2
    graph = views.prepare(X, random_state=0).graph
    found = crossfit(classifier, X, y, 4, graph=graph)
    assert found.mass[60:].max() < 1e-6 < 1 < found.mass[:60].min()


def test_a_walk_among_known_rows_meets_one_at_every_step():
    X, _ = problem(100)
    graph = views.prepare(X, random_state=0).graph
    assert met(graph, np.ones(100)) == pytest.approx(0.9 / 0.1 * (1 - 0.9**40), rel=1e-3)


def test_categories_that_do_not_exclude_each_other_are_hidden_too():
    X, group = problem()
    y = np.column_stack([group == 0, group == 1]).astype(float)
    y[100:] = np.nan

    def make(fold):
        return Classical(LogisticRegression(), exclusive=False)

    found = crossfit(make, X, y, 5, exclusive=False)
    assert found.prior.shape == (200, 2)
    assert ((found.prior[:100] > 0.5) == y[:100]).mean() > 0.9


def test_each_fold_has_a_lineage_of_its_own():
    X, y = problem()
    asked = []

    def make(fold):
        asked.append(fold)
        return classifier(fold)

    crossfit(make, X, y, 4)
    assert asked == [0, 1, 2, 3]
