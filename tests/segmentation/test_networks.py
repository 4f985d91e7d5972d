import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from segmentation import networks
from segmentation.networks import Averaged, Network, Trainer, alone, known_loss, snapshot, tensor

LOG_P = torch.log(torch.tensor([[0.5, 0.3, 0.2]]))


def gradient(targets, smoothing=0.0):
    """Of the loss by the logits of one row whose probabilities are .5, .3, .2."""
    logits = LOG_P.clone().requires_grad_()
    known_loss(torch.log_softmax(logits, dim=1), tensor([targets]), torch.ones(1), smoothing).backward()
    return logits.grad[0].numpy()


@pytest.mark.parametrize("targets", [[0, 1, 0], [1, 1, 0.01], [0.2, 0.7, 0.1]])
def test_the_loss_has_the_gradient_of_the_likelihood_of_what_people_said(targets):
    logits = LOG_P.clone().requires_grad_()
    (-torch.log((torch.softmax(logits, dim=1) * torch.tensor(targets)).sum())).backward()
    assert gradient(targets) == pytest.approx(logits.grad[0].numpy(), abs=1e-6)


def test_an_unlabeled_row_moves_nothing():
    assert gradient([1, 1, 1]) == pytest.approx(0, abs=1e-6)


def test_not_the_third_lowers_the_third_and_keeps_the_others_proportion():
    moved = -gradient([1, 1, 0.001])
    assert moved[2] < 0
    assert moved[0] / moved[1] == pytest.approx(0.5 / 0.3, rel=1e-4)


def test_a_known_row_costs_the_divergence_from_its_smoothed_label():
    wanted = np.array([1e-3, 1 - 2e-3, 1e-3])
    divergence = (wanted * np.log(wanted / np.array([0.5, 0.3, 0.2]))).sum()
    assert known_loss(LOG_P, tensor([[0, 1, 0]]), torch.ones(1), 1e-3).item() == pytest.approx(divergence, rel=1e-5)


def test_the_networks_have_the_patents_shape():
    network = Network(20, 5, (128, 32), 0.5)
    assert [tuple(layer.weight.shape) for layer in network.layers] == [(128, 20), (32, 128), (5, 32)]
    glorot = (2 / (20 + 128)) ** 0.5
    assert network.outer.weight.std().item() == pytest.approx(glorot, rel=0.1)


def test_regularisation_is_tikhonovs_and_decreases_with_depth():
    trainer = Trainer(Network(4, 2, (8, 3), 0.5), np.ones((1, 4)), 1e-2, (1e-2, 1e-3, 1e-4), 8, 1e-3)
    decay = [group["weight_decay"] for group in trainer.optimizer.param_groups]
    assert decay == [0, 2e-2, 2e-3, 2e-4]  # none on biases and normalisation; 2 w is the gradient of w^2


def trained(labeled=60, rows=90):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((rows, 4)).astype(np.float32), rng.integers(0, 3, labeled)
    network = Network(4, 3, (8, 3), 0.5)
    trainer = Trainer(network, x, 1e-2, (0, 0, 0), 16, 1e-3)
    trainer.learn_soft(np.arange(labeled, rows), np.full((rows - labeled, 3), 1 / 3), 2)
    trainer.learn_known(np.arange(labeled), np.eye(3)[y], np.ones(labeled), 5)
    return trainer, x


def test_plain_arrays_say_the_same_as_the_network_they_were_taken_from():
    with alone(0):
        trainer, x = trained()
        wanted = trainer.network(tensor(x)).exp().detach().numpy()
        averaged = Averaged.of([snapshot(trainer.network)], decay=0.5)
        assert averaged.probabilities(x) == pytest.approx(wanted, abs=1e-5)
        assert averaged.embed(x) == pytest.approx(trainer.embedding(), abs=1e-5)


def test_the_average_is_exponential_and_begins_at_the_first():
    with alone(0):
        snapshots = [snapshot(Network(4, 3, (8, 3), 0.5)) for _ in range(3)]
    x = np.random.default_rng(1).standard_normal((5, 4))
    first, second, third = (Averaged.of([s], 0.0).probabilities(x) for s in snapshots)
    running = 0.8 * (0.8 * first + 0.2 * second) + 0.2 * third
    assert Averaged.of(snapshots, 0.8).probabilities(x) == pytest.approx(running)


def test_rows_are_applied_in_blocks_without_changing_what_they_say(monkeypatch):
    with alone(0):
        averaged = Averaged.of([snapshot(Network(4, 3, (8, 3), 0.5))], 0.0)
    x = np.random.default_rng(1).standard_normal((10, 4))
    whole = averaged.probabilities(x)
    monkeypatch.setattr(networks, "CHUNK", 3)
    assert averaged.probabilities(x) == pytest.approx(whole, abs=1e-12)
    assert averaged.probabilities(x[:0]).shape == (0, 3)


def test_the_normalisation_is_that_of_all_rows():
    with alone(0):
        trainer, x = trained()
        norm, h = trainer.network.norm, torch.tanh(trainer.network.outer(tensor(x))).detach().numpy()
    assert norm.running_mean.numpy() == pytest.approx(h.mean(axis=0), abs=1e-5)
    assert norm.running_var.numpy() == pytest.approx(h.var(axis=0), abs=1e-5)


@pytest.mark.parametrize(("labeled", "rows"), [(1, 1), (1, 2), (2, 3), (2, 2)])
def test_a_single_row_can_be_learned_from(labeled, rows):
    with alone(0):
        trainer, x = trained(labeled, rows)
        assert torch.isfinite(trainer.network(tensor(x))).all()


def test_torch_is_left_as_it_was_found():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads, pools = torch.get_num_threads(), [pool["num_threads"] for pool in threadpool_info()]
    with alone(0):
        assert torch.get_num_threads() == 1
        torch.rand(10)
    assert torch.get_num_threads() == threads
    assert [pool["num_threads"] for pool in threadpool_info()] == pools
    assert torch.equal(torch.rand(3), expected)


def test_the_same_seed_draws_the_same_numbers():
    with alone(3):
        first = torch.rand(3)
    with alone(3):
        assert torch.equal(torch.rand(3), first)
