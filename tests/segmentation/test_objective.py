import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from segmentation import annealing, devices, objective, sampling, separation
from segmentation.objective import Objective, Preconditioner, descend, softmax
from segmentation.rows import Block, Scale
from segmentation.separation import TransductiveSVM


def some(n=60, columns=4, categories=3, seed=0, hold=4.0, dtype=np.float64):
    """An objective, a third of whose rows tell something (in float64, so that differences can be taken), and a W."""
    rng = np.random.default_rng(seed)
    m = n // 3
    logs = np.log(rng.uniform(0.01, 1, (categories, m)))
    share = rng.dirichlet(np.full(categories, 5.0))
    rows = Block(rng.standard_normal((n, columns)).astype(dtype))
    weights = rng.uniform(0.5, 2, m), rng.uniform(0.1, 0.3, n)
    return Objective(rows, logs, *weights, share, hold, np.ones(columns + 1)), rng.standard_normal((3, columns + 1))


def value(objective, W, growth=0.7):
    return objective.at(W, objective.rows.scores(W), growth)[0]


def crowd(n=2000, columns=10, categories=4, spread=1.0, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(categories, size=n)
    X = (1.5 * rng.standard_normal((categories, columns)))[y] + spread * rng.standard_normal((n, columns))
    return X, np.where(np.arange(n) < 10 * categories, y, -1), y


@pytest.mark.parametrize("growth", [0.0, 0.7])
def test_the_gradient_is_that_of_the_value(growth):
    o, W = some()
    o.tilt = np.random.default_rng(1).standard_normal(W.shape)
    G = o.gradient(W, o.at(W, o.rows.scores(W), growth)[1])
    for at in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[at] = 1e-5
        assert (value(o, W + step, growth) - value(o, W - step, growth)) / 2e-5 == pytest.approx(G[at], abs=1e-4)


def test_the_curvature_is_that_of_the_value_where_rows_bend_upwards():
    o, W = some(n=1, hold=0.0)  # nothing told: an entropy alone
    D = np.random.default_rng(1).standard_normal(W.shape)
    upwards = 0
    for stretch in np.linspace(0, 5, 20):
        F, E = o.rows.scores(stretch * W), o.rows.scores(D)
        bend = o.bend(D, E, o.at(stretch * W, F, 1.0)[2], 1.0)
        around = [value(o, stretch * W + step * D, 1.0) for step in (-1e-4, 0, 1e-4)]
        exact = (around[0] - 2 * around[1] + around[2]) / 1e-8
        if exact > (D * D).sum():
            upwards += 1
            assert bend == pytest.approx(exact, rel=1e-3)
        else:
            assert bend == pytest.approx((D * D).sum(), rel=1e-3)
    assert 0 < upwards < 20


def test_parts_of_the_rows_add_up_to_the_whole_gradient():
    o, W = some()
    F = o.rows.scores(W)
    mean = o.seen(o.doubt(F)[1]) / o.total
    m = len(o.cost)
    said = Objective(Block(o.rows.Z[:m]), o.logs, o.cost, o.open_cost[:m], o.share, o.hold, o.ridge)
    rest = Objective(Block(o.rows.Z[m:]), o.logs[:, :0], o.cost[:0], o.open_cost[m:], o.share, o.hold, o.ridge)
    parts = said.gradient_given(W, mean) + rest.gradient_given(W, mean)
    assert parts + o.ridge * W == pytest.approx(o.gradient(W, o.at(W, F, 1.0)[1]))


def test_the_descent_ends_where_no_small_step_gains():
    o, W = some(n=300)
    precondition = Preconditioner(o.rows, o.open_cost, 4)
    W = descend(o, W, 0.7, precondition, 0.25, 200, tolerance=1e-6)
    best = value(o, W)
    for step in np.random.default_rng(0).standard_normal((50, *W.shape)) * 0.01:
        assert value(o, W + step) > best


def test_the_descent_never_climbs():
    o, W = some(n=300)
    found = [value(o, descend(o, W, 0.7, lambda G, h: G, 0.25, steps)) for steps in range(12)]
    assert all(later <= earlier + 1e-5 * abs(earlier) for earlier, later in pairwise(found))
    assert found[-1] < found[0]


def test_a_preconditioner_solves_what_it_says():
    rng = np.random.default_rng(0)
    Z, weight, G = rng.standard_normal((50, 3)), rng.uniform(size=50), rng.standard_normal((2, 4))
    exact = np.eye(4) + 0.3 * (np.column_stack([Z, np.ones(50)]).T * weight) @ np.column_stack([Z, np.ones(50)])
    assert Preconditioner(Block(Z), weight, 3)(G, 0.3) @ exact == pytest.approx(G, abs=1e-5)


def test_softmax_bears_large_scores():
    total, p = softmax(np.array([[1000.0], [0.0]]))
    assert (total[0], p[0, 0], p[1, 0]) == (1000, 1, 0)


def test_sparse_rows_are_scaled_like_dense_ones():
    rng = np.random.default_rng(0)
    X = sparse.random_array((40, 7), density=0.3, rng=rng, format="csr", dtype=np.float64)
    weight, W, R = rng.uniform(size=40), rng.standard_normal((3, 8)), rng.standard_normal((3, 40))
    dense, thin = (Scale(rows, weight).block(rows) for rows in (X.toarray(), X))
    assert thin.scores(W) == pytest.approx(dense.scores(W), abs=1e-4)
    assert thin.sums(R) == pytest.approx(dense.sums(R), abs=1e-4)
    assert thin.gram(weight) == pytest.approx(dense.gram(weight), abs=1e-4)
    assert thin.squares(weight) == pytest.approx(dense.squares(weight), abs=1e-4)
    assert thin.first(5).scores(W) == pytest.approx(dense.first(5).scores(W), abs=1e-4)


@pytest.mark.parametrize("columns", [5, objective.WIDE + 1])
def test_sparse_rows_give_the_boundaries_of_dense_ones(columns):
    X, labels, _ = crowd(n=500)
    wide = np.zeros((500, columns + 10))
    wide[:, columns:] = np.where(np.abs(X) > 1, X, 0)
    thin = TransductiveSVM().fit(sparse.csr_matrix(wide), labels)
    assert thin.transduction_ == pytest.approx(TransductiveSVM().fit(wide, labels).transduction_, abs=0.02)
    assert thin.predict_proba(sparse.csr_matrix(wide)) == pytest.approx(thin.predict_proba(wide), abs=1e-6)


def test_many_sparse_columns_are_not_filled():
    n, columns = 2000, 200_000  # dense, 1.6 GB
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    words = rng.integers(columns // 2, size=(n, 20)) + (columns // 2) * (y[:, None] ^ (rng.uniform(size=(n, 20)) < 0.2))
    words[:, :3] = rng.integers(30, size=(n, 3)) + 30 * y[:, None]
    X = sparse.csr_array((np.ones(20 * n), words.ravel(), np.arange(0, 20 * n + 1, 20)), (n, columns))
    assert (TransductiveSVM().fit(X, np.where(np.arange(n) < 40, y, -1)).predict(X) == y).mean() > 0.95


def test_a_sample_and_a_pass_over_all_rows_come_close_to_a_solve_on_all(monkeypatch):
    X, labels, _ = crowd(n=20000, spread=2.0)
    exact = TransductiveSVM(rounds=30).fit(X, labels).transduction_
    monkeypatch.setattr(sampling, "SAMPLE", 2000)
    far, near = (np.abs(TransductiveSVM(passes=n).fit(X, labels).transduction_ - exact).mean() for n in (0, 2))
    assert near < far / 2
    assert near < 0.01


def test_a_sample_of_labeled_rows_alone_is_corrected_too(monkeypatch):
    X, _, y = crowd(n=5000, spread=2.0)
    exact = TransductiveSVM(C_unlabeled=0).fit(X, y).transduction_
    monkeypatch.setattr(sampling, "SAMPLE", 500)
    far, near = (
        np.abs(TransductiveSVM(C_unlabeled=0, passes=n).fit(X, y).transduction_ - exact).mean() for n in (0, 2)
    )
    assert near < far / 4


def test_tensors_give_what_arrays_give(monkeypatch):
    pytest.importorskip("torch")
    X, labels, _ = crowd(n=3000)
    monkeypatch.setattr(sampling, "SAMPLE", 1000)
    host = TransductiveSVM().fit(X, labels)
    monkeypatch.setattr(separation, "chosen", lambda *_: devices.Device("cpu"))
    tensors = TransductiveSVM().fit(X, labels)
    assert tensors.coef_ == pytest.approx(host.coef_, rel=1e-2, abs=1e-3)
    monkeypatch.setattr(objective, "WIDE", 3)
    assert (TransductiveSVM().fit(X, labels).predict(X) == host.predict(X)).mean() > 0.99


def test_memory_is_that_of_the_probabilities_and_a_sample(monkeypatch):
    monkeypatch.setattr(sampling, "SAMPLE", 2000)
    X, labels, _ = crowd(n=60_000, columns=64)
    TransductiveSVM().fit(X[:500], labels[:500])
    tracemalloc.start()
    fitted = TransductiveSVM().fit(X, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * X.nbytes + fitted.transduction_.nbytes


def test_a_device_for_sparse_rows_is_refused():
    X, labels, _ = crowd(n=300)
    with pytest.raises(ValueError, match="sparse rows are separated on the CPU"):
        TransductiveSVM(device="cuda").fit(sparse.csr_array(X), labels)


def test_a_solve_on_the_cpu_loads_no_torch():
    """In a process of its own, as others here have loaded it."""
    import subprocess
    import sys

    code = (
        "import sys, numpy as np; from segmentation.separation import TransductiveSVM as T;"
        "T().fit(np.random.rand(50, 3), [0, 1] + 48 * [-1]); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_likelihoods_become_logarithms_whose_largest_is_zero():
    logs = annealing.log_likelihoods(np.array([[0.5, 0.25], [0.0, 1.0]]))
    assert logs == pytest.approx(np.array([[0, np.log(1e-6)], [np.log(0.5), 0]]))
