"""Views: what all rows say together before anybody has labeled one. Principal axes, a neighbour graph and its spectrum.

Made without labels and without torch, so one `prepare` serves the classifier, the planner and the map.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh
from sklearn.utils import check_random_state

from segmentation import neighbors

AXES = 64  # principal axes at most
EXPLAINED = 0.99  # of the variance, by the axes kept
HARMONICS = 64  # eigenvectors of the graph
SCALE = 7  # the neighbour whose distance is a row's own scale
DENSE = 600  # rows; up to here the whole spectrum is as quick as a part of it


@dataclass(frozen=True)
class Views:
    """Three views of n rows.

    Attributes
    ----------
    pca : (n, a) float32: principal coordinates, centred, their mean squared norm one.
    spectral : (n, m) float32: the leading eigenvectors of the graph, the smoothest largest, rows of norm one.
    graph : (n, n) CSR float32: symmetric affinities D^-1/2 W D^-1/2, zero diagonal.
    """

    pca: np.ndarray
    spectral: np.ndarray
    graph: sparse.csr_array

    def __len__(self):
        return len(self.pca)

    def to_arrays(self):
        """Named arrays without objects: np.savez(file, **views.to_arrays())."""
        graph = {name: getattr(self.graph, name) for name in ("data", "indices", "indptr")}
        return {"pca": self.pca, "spectral": self.spectral, **graph}

    @classmethod
    def from_arrays(cls, arrays):
        parts = arrays["data"], arrays["indices"], arrays["indptr"]
        n = len(arrays["pca"])
        return cls(arrays["pca"], arrays["spectral"], sparse.csr_array(parts, shape=(n, n)))


def prepare(X, k=10, random_state=None):
    """The views of X.

    Parameters
    ----------
    X : (n, d) finite, columns on one scale (see `segmentation.scaling.Scaling`); n at least 1.
    k : neighbours of a row in the graph.
    random_state : int, RandomState or None; the same int gives the same views.

    References
    ----------
    Zelnik-Manor, Perona 2004, "Self-tuning spectral clustering", NIPS. Belkin, Niyogi 2004, "Semi-supervised learning
    on Riemannian manifolds", Machine Learning 56. Ng, Jordan, Weiss 2001, "On spectral clustering" (rows of norm one).
    """
    random = check_random_state(random_state)
    coordinates = principal(np.asarray(X, np.float32))
    graph = neighbourhood(coordinates, k, random)
    return Views(on_one_scale(coordinates), spectrum(graph, random), graph)


def principal(X):
    """Coordinates (n, a) on the leading principal axes of X (n, d), by the smaller of its two Gram matrices."""
    X = X - X.mean(axis=0, dtype=np.float64).astype(X.dtype)
    wide = X.shape[1] > len(X)
    values, vectors = np.linalg.eigh((X @ X.T if wide else X.T @ X).astype(np.float64))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    explained = np.cumsum(values) / max(values.sum(), 1e-30)
    a = min(AXES, int((explained < EXPLAINED).sum()) + 1, len(values))
    return (vectors[:, :a] * np.sqrt(values[:a]) if wide else X @ vectors[:, :a]).astype(np.float32)


def neighbourhood(coordinates, k=10, random_state=None):
    """The graph of rows at these principal coordinates (n, a)."""
    return affinities(*neighbors.nearest(coordinates, min(k, len(coordinates) - 1), check_random_state(random_state)))


def on_one_scale(Z):
    """Z (n, d) divided by the root of its mean squared norm."""
    size = np.sqrt(np.square(Z, dtype=np.float64).sum(axis=1).mean())
    return (Z / (size if size > 0 else 1.0)).astype(np.float32)


def affinities(distance, index):
    """Neighbours (n, k) -> the graph: exp(-d_ij^2 / (s_i s_j)), s_i being the distance of i's seventh neighbour."""
    n, k = distance.shape
    if not k:
        return sparse.csr_array((n, n), dtype=np.float32)
    scale = distance[:, min(SCALE, k) - 1].astype(np.float64)
    # A row with many duplicates has no scale of its own and would be cut off from all that is not one of them.
    scale = np.maximum(scale, max(1e-3 * np.median(scale), 1e-12))
    weight = np.exp(-(distance.astype(np.float64) ** 2) / (scale[:, None] * scale[index]))
    rows = np.repeat(np.arange(n), k)
    W = sparse.csr_array((weight.ravel(), (rows, index.ravel())), shape=(n, n))
    W = W.maximum(W.T)
    root = 1 / np.sqrt(np.maximum(W.sum(axis=1), 1e-12))
    return sparse.csr_array(sparse.diags_array(root) @ W @ sparse.diags_array(root), dtype=np.float32)


def spectrum(graph, random):
    """Leading eigenvectors of the graph but the first, each weighted by its smoothness: (n, m), rows of norm one."""
    n = graph.shape[0]
    if n < 3:
        return np.ones((n, 1), np.float32)
    values, vectors = _leading(graph, min(HARMONICS, n - 2), random)
    view = vectors / np.sqrt(1.02 - np.minimum(values, 1))  # 1.02: the smoothest ones must not drown all others
    return (view / np.maximum(np.linalg.norm(view, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def _leading(graph, m, random):
    n = graph.shape[0]
    if n <= DENSE:
        values, vectors = np.linalg.eigh(graph.toarray().astype(np.float64))
        return values[::-1][1 : m + 1], vectors[:, ::-1][:, 1 : m + 1]
    values, vectors = eigsh(graph, k=m + 1, which="LA", v0=random.uniform(-1, 1, n).astype(np.float32), tol=1e-3)
    order = np.argsort(-values)[1:]
    return values[order], vectors[:, order]
