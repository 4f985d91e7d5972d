"""Rows as a separation takes them: centred, scaled, with a constant one beside them; dense, sparse or on a device.

Scores lie as (C, n), categories by rows, so that sums over categories run along contiguous memory.
"""

import numpy as np
from scipy import sparse


class Scale:
    """Centres rows and gives them a mean squared norm of one, by a sample (s, d) of them with weights (s,)."""

    def __init__(self, sample, weight):
        weight = (weight / np.sum(weight, dtype=np.float64)).astype(sample.dtype)
        self.center = sample.T @ weight
        if sparse.issparse(sample):
            square = weight @ sample.multiply(sample).sum(axis=1).ravel() - self.center @ self.center
        else:
            square = weight @ np.square(sample - self.center).sum(axis=1)
        self.size = float(np.sqrt(max(square, 0.0))) or 1.0

    def block(self, X):
        """Rows of X (n, d), scaled; sparse ones stay sparse."""
        if sparse.issparse(X):
            return SparseBlock(X.astype(np.float32), self.center.astype(np.float32), np.float32(self.size))
        Z = X - self.center
        Z *= X.dtype.type(1 / self.size)
        return Block(Z.astype(np.float32, copy=False))

    def undone(self, W):
        """W (C, d + 1) of scaled rows -> coefficients (C, d) and intercepts (C,) of the rows themselves."""
        w = W[:, :-1].astype(np.float64) / self.size
        return w, W[:, -1] - w @ self.center


class Block:
    """Scaled rows Z (n, d) float32."""

    def __init__(self, Z):
        self.Z = Z

    def first(self, m):
        return Block(self.Z[:m])

    def scores(self, W):
        """(C, d + 1) -> (C, n)."""
        F = np.ascontiguousarray((self.Z @ W[:, :-1].T).T)  # twice as fast as W Z'
        F += W[:, -1:]
        return F

    def sums(self, R):
        """Rows summed with the factors R (C, n): the derivative of sum R * scores, (C, d + 1)."""
        return np.column_stack([R @ self.Z, R.sum(1)])

    def gram(self, weight):
        """(d + 1, d + 1) products of the columns, rows having the weights (n,)."""
        return bordered((self.Z * weight[:, None]).T @ self.Z, weight @ self.Z, weight.sum())

    def squares(self, weight):
        """The diagonal of `gram`, (d + 1,)."""
        return np.append(weight @ np.square(self.Z), weight.sum())


class SparseBlock:
    """Rows of X (n, d) CSR float32, scaled without being filled: centring is a correction of rank one."""

    def __init__(self, X, center, size):
        self.X, self.center, self.size = X, center, size

    def first(self, m):
        return SparseBlock(self.X[:m], self.center, self.size)

    def scores(self, W):
        V = W[:, :-1] / self.size
        F = np.ascontiguousarray((self.X @ V.T).T)
        F += W[:, -1:] - (V @ self.center)[:, None]
        return F

    def sums(self, R):
        total = R.sum(1)
        return np.column_stack([((self.X.T @ R.T).T - np.outer(total, self.center)) / self.size, total])

    def gram(self, weight):
        total, c = self.X.T @ weight, self.center
        crossed = np.outer(total, c)
        G = (self.X.T @ self.X.multiply(weight[:, None]).tocsr()).toarray() - crossed - crossed.T
        border = (total - weight.sum() * c) / self.size
        return bordered((G + weight.sum() * np.outer(c, c)) / self.size**2, border, weight.sum())

    def squares(self, weight):
        total, c = self.X.T @ weight, self.center
        own = self.X.multiply(self.X).T @ weight - 2 * c * total + weight.sum() * c * c
        return np.append(np.maximum(own, 0) / self.size**2, weight.sum())


def bordered(G, border, corner):
    return np.block([[G, border[:, None]], [border[None, :], np.full((1, 1), corner)]]).astype(np.float32)


def slices(n, size):
    """Slices of at most `size` that cover range(n)."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
