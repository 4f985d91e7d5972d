"""Where a solve is calculated: by numpy on one thread of the CPU, or by torch on an accelerator.

On one thread numpy is three to five times as fast as torch at these small products and sums over categories.
"""

import importlib
import sys

import numpy as np
from scipy import sparse

from segmentation.rows import Block

WORTH = 10**8  # rows x columns x categories from which sending the rows to an accelerator pays


class Host:
    """numpy."""

    block = 8192  # rows at a time: they and their scores stay in the cache

    def put(self, array):
        return np.ascontiguousarray(array, np.float32)

    def get(self, array):
        return array

    def rows(self, block):
        return block


class Device:
    """torch, on a device by torch's name of it."""

    block = 2**18  # rows at a time: enough to keep it busy

    def __init__(self, name):
        self.torch = importlib.import_module("torch")
        self.name = name

    def put(self, array):
        return self.torch.as_tensor(np.ascontiguousarray(array, np.float32)).to(self.name)

    def get(self, tensor):
        return tensor.cpu().numpy()

    def rows(self, block):
        return TensorBlock(self.put(block.Z))


class TensorBlock(Block):
    """`segmentation.rows.Block` of a tensor."""

    def first(self, m):
        return TensorBlock(self.Z[:m])

    def scores(self, W):
        return W[:, :-1] @ self.Z.T + W[:, -1:]

    def sums(self, R):
        return self._beside(R @ self.Z, R.sum(1))

    def gram(self, weight):
        Z = self._beside(self.Z, self.Z[:, 0] * 0 + 1)
        return (Z * weight[:, None]).T @ Z

    def squares(self, weight):
        Z = self._beside(self.Z, self.Z[:, 0] * 0 + 1)
        return weight @ (Z * Z)

    def _beside(self, A, b):
        return sys.modules["torch"].cat([A, b[:, None]], 1)


def chosen(name, X, categories):
    """The device by its name, or where it is None an accelerator that torch, already loaded, has and that pays."""
    if name is not None and str(name) != "cpu" and sparse.issparse(X):
        raise ValueError(f"device is {name!r}, but sparse rows are separated on the CPU only; leave device out.")
    if name is not None:
        return Host() if str(name) == "cpu" else Device(name)
    torch = sys.modules.get("torch")
    pays = X.shape[0] * X.shape[1] * categories >= WORTH and not sparse.issparse(X)
    return Device("cuda") if pays and torch is not None and torch.cuda.is_available() else Host()
