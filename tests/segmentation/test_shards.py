"""Several processes that hold shards of the rows find what one process finds."""

import multiprocessing

import numpy as np
import pytest
from scipy import sparse

from segmentation import sampling
from segmentation.distributed import Alone
from segmentation.separation import TransductiveSVM

pytest.importorskip("torch")
SAMPLE = 300  # few, so that passes over all rows take part


def crowd(n=3000, columns=6, categories=4):
    rng = np.random.default_rng(0)
    y = rng.integers(categories, size=n)
    X = (2 * rng.standard_normal((categories, columns)))[y] + rng.standard_normal((n, columns))
    labels = np.where(rng.uniform(size=n) < 0.03, y, -1)
    labels[: n // 3] = -1  # a shard may hold no label at all
    return X.astype(np.float32), labels


def solved(X, y, **settings):
    sampling.SAMPLE = SAMPLE
    fitted = TransductiveSVM(**settings).fit(X, y)
    return fitted.classes_, fitted.coef_, fitted.intercept_, fitted.transduction_


def work(rank, world, address, send):
    import torch.distributed as group

    group.init_process_group("gloo", init_method=address, rank=rank, world_size=world)
    X, y = crowd()
    shard = slice(rank * len(X) // world, (rank + 1) * len(X) // world)
    dense = solved(X[shard], y[shard], distributed=True)
    thin = solved(sparse.csr_array(X[shard]), y[shard], distributed=True)
    send.put((rank, dense, thin))
    group.destroy_process_group()


@pytest.mark.parametrize("world", [2, 3])
def test_shards_give_the_boundaries_of_the_whole(world, tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "SAMPLE", SAMPLE)
    classes, coef, intercept, transduction = solved(*crowd())
    context = multiprocessing.get_context("forkserver")  # which loads torch once for all
    context.set_forkserver_preload(["torch.distributed", "segmentation.separation"])
    found = context.Queue()
    address = f"file://{tmp_path}/meeting"
    processes = [context.Process(target=work, args=(rank, world, address, found)) for rank in range(world)]
    for process in processes:
        process.start()
    answers = sorted((found.get(timeout=60) for _ in processes), key=lambda answer: answer[0])
    for process in processes:
        process.join(60)
    for dense in [answer[1] for answer in answers] + [answer[2] for answer in answers]:
        assert np.array_equal(dense[0], classes)
        assert dense[1] == pytest.approx(coef, rel=1e-2, abs=2e-3)  # rounding of float32
        assert dense[2] == pytest.approx(intercept, rel=1e-2, abs=2e-3)
    assert np.vstack([answer[1][3] for answer in answers]) == pytest.approx(transduction, abs=1e-3)


def test_shards_need_a_group_of_processes():
    with pytest.raises(RuntimeError, match="init_process_group"):
        TransductiveSVM(distributed=True).fit(*crowd(300))


def test_every_process_draws_its_part_of_the_same_sample():
    places = np.arange(1000)
    whole, each = sampling.drawn(places, 0, 1000, 100)
    parts = [sampling.drawn(places[at], at.start, 1000, 100)[0] for at in (slice(0, 300), slice(300, 1000))]
    assert np.array_equal(np.concatenate(parts), whole)
    assert each == 10
    assert len(whole) == 100


def test_a_rare_category_is_always_in_the_sample(monkeypatch):
    monkeypatch.setattr(sampling, "SAMPLE", 100)
    targets = np.eye(2)[(np.arange(5000) == 4321).astype(int)]
    whole = sampling.Crowd(np.zeros((5000, 1)), np.arange(5000), targets, np.ones(5000), Alone())
    sample = whole.sample()
    assert sample.targets[:, 1].sum() == 1
    assert sample.weight.sum() == pytest.approx(5000)
