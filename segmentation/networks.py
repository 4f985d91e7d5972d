"""The two networks of US 2021/0142152 A1: f maps a row into the embedding, g reads class propensities from it.

Trained by torch on one thread and without touching torch's global random state; kept and applied as plain arrays.
"""

import math
from contextlib import contextmanager

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional

from segmentation.degrees import smooth

CHUNK = 8192  # rows applied at a time, so that a million rows need no more memory than a few


class Network(nn.Module):
    """g(f(x)): two tanh layers with batch normalisation and dropout between them, then one softmax layer."""

    def __init__(self, features, categories, hidden, dropout):
        super().__init__()
        first, second = hidden
        self.outer = nn.Linear(features, first)
        self.norm = nn.BatchNorm1d(first)
        self.dropout = nn.Dropout(dropout)
        self.inner = nn.Linear(first, second)
        self.propensity = nn.Linear(second, categories)
        for layer in self.layers:
            nn.init.xavier_normal_(layer.weight)  # Glorot normal
            nn.init.zeros_(layer.bias)

    @property
    def layers(self):
        return self.outer, self.inner, self.propensity

    def resume(self, arrays):
        """Take over the layers of a snapshot, whose second layer holds batch normalisation folded in."""
        with torch.no_grad():
            for i, layer in enumerate(self.layers):
                layer.weight.copy_(tensor(arrays[f"w{i}"].T))
                layer.bias.copy_(tensor(arrays[f"b{i}"]))

    def embed(self, x):
        return torch.tanh(self.inner(self.dropout(self.norm(torch.tanh(self.outer(x))))))

    def forward(self, x):
        return functional.log_softmax(self.propensity(self.embed(x)), dim=1)


@contextmanager
def alone(seed):
    """Run torch from this seed and all on one thread; what was set before is set again afterwards.

    Matrices this small lose more by handing work between threads than they gain.
    """
    threads = torch.get_num_threads()
    with threadpool_limits(1), torch.random.fork_rng(devices=[]):
        torch.set_num_threads(1)
        torch.default_generator.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


class Trainer:
    """One network, all rows x (n, d) it will be used on, and its optimiser: Adam with Tikhonov regularisation."""

    def __init__(self, network, x, learning_rate, tikhonov, batch_size, smoothing):
        self.network, self.rows, self.batch_size, self.smoothing = network, tensor(x), batch_size, smoothing
        biases = [layer.bias for layer in network.layers] + list(network.norm.parameters())
        groups = [{"params": biases}]
        # Tikhonov's term strength * ||w||^2 has the gradient 2 * strength * w, which is what Adam's weight_decay adds.
        for layer, strength in zip(network.layers, tikhonov, strict=True):
            groups.append({"params": [layer.weight], "weight_decay": 2 * strength})
        self.optimizer = torch.optim.Adam(groups, lr=learning_rate, fused=True)

    def slow_down(self, factor):
        for group in self.optimizer.param_groups:
            group["lr"] *= factor

    def learn_known(self, which, targets, weight, epochs):
        """Kullback-Leibler divergence from smoothed targets (m, C), weighted (m,), of the rows numbered `which` (m,).

        The few labeled rows are normalised by the statistics of all rows, taken anew in each epoch, not by their own:
        measured with one to ten labels a category, both accuracy and log-loss were better for it.
        """

        x, targets, weight = self.rows[which], tensor(targets), tensor(weight)

        def loss(batch):
            return known_loss(self.network(x[batch]), targets[batch], weight[batch], self.smoothing)

        for _ in range(epochs):
            self._settle()
            self._epoch(loss, len(which), own_statistics=False)
        self._settle()

    def learn_soft(self, which, probabilities, epochs):
        """Mean squared error towards probabilities (m, C) of the rows numbered `which` (m,)."""
        x, probabilities = self.rows[which], tensor(probabilities)

        def loss(batch):
            return functional.mse_loss(self.network(x[batch]).exp(), probabilities[batch])

        for _ in range(epochs if len(which) > 1 else 0):  # one row has no variance to normalise by
            self._epoch(loss, len(which), own_statistics=True)

    def reconstruct(self, epochs):
        """Learn to give back the rows from their embedding: a start of f that no label had a part in (paragraph 50)."""
        decoder = nn.Linear(self.network.inner.out_features, self.rows.shape[1])
        self.optimizer.add_param_group({"params": decoder.parameters()})

        def loss(batch):
            return functional.mse_loss(decoder(self.network.embed(self.rows[batch])), self.rows[batch])

        for _ in range(epochs if len(self.rows) > 1 else 0):
            self._epoch(loss, len(self.rows), own_statistics=True)
        del self.optimizer.param_groups[-1]

    def imitate(self, probabilities, weight, epochs):
        """Cross-entropy towards probabilities (n, C) of all rows, weighted (n,), the rate falling to nothing."""
        probabilities, weight = tensor(probabilities), tensor(weight)

        def loss(batch):
            log_p = self.network(self.rows[batch])
            return -(weight[batch, None] * probabilities[batch] * log_p).sum() / len(batch)

        rates = [group["lr"] for group in self.optimizer.param_groups]
        for epoch in range(epochs if len(self.rows) > 1 else 0):  # one row has no variance to normalise by
            for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * (1 - epoch / epochs)
            self._epoch(loss, len(self.rows), own_statistics=True)
        self._settle()

    def embedding(self):
        """f of all rows, for the separation: (n, e) float64."""
        with torch.no_grad():
            return self.network.embed(self.rows).numpy().astype(np.float64)

    def _epoch(self, loss, rows, own_statistics):
        self.network.train()
        self.network.norm.train(own_statistics)
        for batch in torch.randperm(rows).tensor_split(max(1, rows // self.batch_size)):
            self.optimizer.zero_grad()
            loss(batch).backward()
            self.optimizer.step()
        self.network.eval()

    def _settle(self):
        """Take batch normalisation's statistics from all rows at once."""
        norm = self.network.norm
        with torch.no_grad():
            h = torch.tanh(self.network.outer(self.rows))
            norm.running_mean.copy_(h.mean(dim=0))
            norm.running_var.copy_(h.var(dim=0, correction=0))


def known_loss(log_p, targets, weight, smoothing):
    """-log sum_k y_k p_k, by its gradient: that of KL from the responsibilities y_k p_k / sum, held constant (EM).

    For a known row the responsibilities are the row itself, so this is the patent's KL from the smoothed label. "Not
    the third" moves p_3 down and leaves the others as they are among themselves; an unlabeled row moves nothing.
    """
    with torch.no_grad():
        wanted = smooth(torch.softmax(log_p + targets.log(), dim=1), smoothing)
    divergence = functional.kl_div(log_p, wanted, reduction="none").sum(dim=1)
    return (weight * divergence).sum() / weight.sum().clamp_min(1e-12)


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def snapshot(network):
    """The network as three affine layers {"w0", "b0", ...}: at rest, batch normalisation folds into the second."""
    norm = network.norm
    gain = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
    shift = (norm.bias - norm.running_mean * gain).detach()
    arrays = {}
    for i, layer in enumerate(network.layers):
        arrays[f"w{i}"] = layer.weight.detach().numpy().T.copy()
        arrays[f"b{i}"] = layer.bias.detach().numpy().copy()
    arrays["b1"] += shift.numpy() @ arrays["w1"]
    arrays["w1"] *= gain.numpy()[:, None]
    return arrays


class Averaged:
    """Snapshots of one network over the iterations and the weight of each; numpy only.

    `arrays` holds w0 (T, d, h), b0 (T, h), w1, b1, w2, b2 of T snapshots and `weight` (T,), which sums to one.
    """

    def __init__(self, arrays):
        self.arrays = arrays

    @classmethod
    def of(cls, snapshots, decay):
        """The exponential moving average p <- decay p + (1 - decay) p_t, begun at the first snapshot."""
        weight = np.array([(1 - decay) * decay ** (len(snapshots) - 1 - t) for t in range(len(snapshots))])
        weight[0] = 1 - weight[1:].sum()
        return cls({"weight": weight, **{key: np.stack([s[key] for s in snapshots]) for key in snapshots[0]}})

    @classmethod
    def constant(cls, network, probabilities):
        """Nothing was learned: an embedding as it was initialised, and the same probabilities for every row."""
        arrays = snapshot(network)
        arrays["w2"] = np.zeros_like(arrays["w2"])
        arrays["b2"] = np.log(np.asarray(probabilities, dtype=np.float32))
        return cls.of([arrays], decay=0.0)

    def embed(self, x):
        """The last network's embedding: (n, d) scaled rows -> (n, e) float64."""
        return np.concatenate([self._embed(chunk, -1) for chunk in chunks(x)])

    def probabilities(self, x):
        """(n, d) scaled rows -> (n, C) float64, each row summing to one."""
        return np.concatenate([self._probabilities(chunk) for chunk in chunks(x)])

    def _embed(self, x, t):
        a = self.arrays
        return np.tanh(np.tanh(x @ a["w0"][t] + a["b0"][t]) @ a["w1"][t] + a["b1"][t])

    def _probabilities(self, x):
        a = self.arrays
        return sum(
            weight * softmax(self._embed(x, t) @ a["w2"][t] + a["b2"][t]) for t, weight in enumerate(a["weight"])
        )


def chunks(x):
    """Blocks of rows as float64: in float32 a row's last digits would depend on the rows beside it."""
    return (block.astype(np.float64) for block in np.array_split(x, max(1, math.ceil(len(x) / CHUNK))))


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
