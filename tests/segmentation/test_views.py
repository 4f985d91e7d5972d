import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.neighbors import NearestNeighbors

from segmentation import neighbors, views


def rows(n=300, d=8, seed=0):
    return np.random.RandomState(seed).normal(size=(n, d)).astype(np.float32)


def test_a_row_is_not_its_own_neighbour_even_among_duplicates():
    X = np.repeat(rows(40), 5, axis=0)
    distance, index = neighbors.nearest(X, 6)
    assert (index != np.arange(len(X))[:, None]).all()
    assert np.allclose(distance[:, :4], 0, atol=1e-3)
    assert (np.diff(distance, axis=1) >= 0).all()


def test_cells_find_nearly_all_true_neighbours_and_their_distances(monkeypatch):
    X = load_digits(return_X_y=True)[0].astype(np.float32)
    distance, true = NearestNeighbors(n_neighbors=10).fit(X).kneighbors()
    monkeypatch.setattr(neighbors, "EXACT", 100)
    found_distance, found = neighbors.nearest(X, 10, random_state=0)
    same = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(true, found, strict=True)])
    assert same > 0.95
    assert (found_distance[:, 0] < distance[:, 0] + 1e-2).mean() > 0.97
    assert (found != np.arange(len(X))[:, None]).all()


def test_cells_with_too_few_rows_beside_them_are_searched_whole(monkeypatch):
    X = np.vstack([rows(50), rows(5) + 1000]).astype(np.float32)
    monkeypatch.setattr(neighbors, "EXACT", 10)
    monkeypatch.setattr(neighbors, "PROBED", 1)
    distance, index = neighbors.nearest(X, 10, random_state=0)
    assert np.isfinite(distance).all()
    assert all(len(set(row)) == 10 for row in index)


def test_principal_coordinates_keep_the_distances():
    X = rows(50, 4)
    Z = views.principal(X)
    assert Z.shape == (50, 4)
    assert np.linalg.norm(Z[0] - Z[1]) == pytest.approx(np.linalg.norm(X[0] - X[1]), rel=1e-4)
    wide = views.principal(rows(10, 500))
    assert wide.shape[1] <= 10
    assert np.linalg.norm(wide[0] - wide[1]) == pytest.approx(
        np.linalg.norm(rows(10, 500)[0] - rows(10, 500)[1]), rel=0.02
    )


def test_the_graph_is_symmetric_without_loops_and_its_largest_eigenvalue_is_one():
    graph = views.prepare(rows(200), random_state=0).graph
    assert abs(graph - graph.T).max() < 1e-6
    assert not graph.diagonal().any()
    assert np.linalg.eigvalsh(graph.toarray().astype(float)).max() == pytest.approx(1, abs=1e-4)


def test_the_spectrum_tells_separate_groups_apart():
    X, group = make_blobs(300, n_features=5, centers=3, cluster_std=0.3, random_state=0)
    spectral = views.prepare(X, random_state=0).spectral
    near = spectral @ spectral.T
    same = group[:, None] == group
    assert near[same].mean() > near[~same].mean() + 0.2
    assert np.linalg.norm(spectral, axis=1) == pytest.approx(1, abs=1e-3)


def test_a_sparse_solver_and_a_dense_one_see_the_same_spectrum(monkeypatch):
    X = load_digits(return_X_y=True)[0][:500]
    dense = views.prepare(X, random_state=0).spectral
    monkeypatch.setattr(views, "DENSE", 10)
    sparse = views.prepare(X, random_state=0).spectral
    assert sparse @ sparse.T == pytest.approx(dense @ dense.T, abs=0.05)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_few_rows_have_views_too(n):
    found = views.prepare(rows(n), random_state=0)
    assert len(found.pca) == len(found.spectral) == found.graph.shape[0] == n
    assert all(np.isfinite(part).all() for part in (found.pca, found.spectral, found.graph.data))


@pytest.mark.parametrize("X", [np.ones((30, 3)), np.repeat(rows(3), 10, axis=0), np.zeros((30, 1))])
def test_rows_that_are_all_alike_have_finite_views(X):
    found = views.prepare(X, random_state=0)
    assert all(np.isfinite(part).all() for part in (found.pca, found.spectral, found.graph.data))


def test_the_same_seed_gives_the_same_views():
    first, again = (views.prepare(rows(700), random_state=3) for _ in range(2))
    assert (first.spectral == again.spectral).all() and (first.graph != again.graph).nnz == 0


def test_views_come_back_from_their_arrays(tmp_path):
    first = views.prepare(rows(100), random_state=0)
    np.savez(tmp_path / "views.npz", **first.to_arrays())
    with np.load(tmp_path / "views.npz", allow_pickle=False) as arrays:
        again = views.Views.from_arrays(arrays)
    assert (again.pca == first.pca).all() and (again.spectral == first.spectral).all()
    assert (again.graph != first.graph).nnz == 0
