"""Several processes that each hold a shard of the rows: sums, joined rows and places among all.

A shard is a contiguous stretch of the rows, in the order of the processes' ranks.
"""

import importlib

import numpy as np
from scipy import sparse


class Alone:
    """One process, which holds all rows."""

    def total(self, array):
        """Sum over the processes, of arrays of one shape or of numbers."""
        return array

    def joined(self, rows):
        """All processes' rows below each other, dense or sparse."""
        return rows

    def first(self, array):
        """The first process's array, so that rounding cannot part the others from it."""
        return array

    def preceding(self, counts):
        """How many there are in the processes before this one, and in all: arrays like `counts`."""
        return np.zeros_like(counts), counts


class Processes:
    """The default group of torch.distributed, which the caller has initialised.

    RuntimeError where it is not.
    """

    def __init__(self):
        self.torch = importlib.import_module("torch")
        self.group = importlib.import_module("torch.distributed")
        if not (self.group.is_available() and self.group.is_initialized()):
            raise RuntimeError("distributed=True needs a process group: call torch.distributed.init_process_group.")
        self.device = "cuda" if self.group.get_backend() == "nccl" else "cpu"

    def total(self, array):
        tensor = self.torch.as_tensor(np.asarray(array, np.float64)).to(self.device)
        self.group.all_reduce(tensor)
        return tensor.cpu().numpy()

    def joined(self, rows):
        parts = self._gathered(rows)
        return sparse.vstack(parts, format="csr") if sparse.issparse(rows) else np.concatenate(parts)

    def first(self, array):
        found = [array]
        self.group.broadcast_object_list(found, src=0)
        return found[0]

    def preceding(self, counts):
        parts = np.array(self._gathered(counts))
        return parts[: self.group.get_rank()].sum(axis=0), parts.sum(axis=0)

    def _gathered(self, thing):
        parts = [None] * self.group.get_world_size()
        self.group.all_gather_object(parts, thing)
        return parts
