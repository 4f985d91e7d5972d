"""One answer more, and the refit that takes over."""

from time import perf_counter

import numpy as np
import pytest

from labeling.crowd import Answers, Choices, Consensus, Said, evidence, heard, unheard, update
from labeling.crowd.rates import fresh
from tests.answered import a_crowd, real


def replayed(choices, categories, items, refits):
    """Every answer online, with the counts, pool and base of a refit at these answers; the posteriors at the end."""
    model, rows, workers = None, [unheard(categories, exclusive=True)] * items, {}
    probas = np.full((items, categories), 1 / categories)
    for n, (item, chosen, worker) in enumerate(zip(*choices[:3], strict=True)):
        if n in refits:
            model = Consensus().fit(Choices(*(column[:n] for column in choices[:3])), shape=(items, categories))
            rows = model.rows()
            workers = dict(zip(model.workers_.name, model.workers_.counts, strict=True))
        base = np.full(categories, 1 / categories) if model is None else model.base_
        pool = None if model is None else model.pools_["", categories]
        counts = workers.get(worker, np.zeros((categories, categories)))
        looks = None if model is None else model.looks_
        done = update(rows[item], counts, Said(chosen, choice=True), base, pool=pool, looks=looks)
        rows[item], workers[worker], probas[item] = done.row, done.counts, done.posterior
    return probas


@pytest.mark.parametrize("seed", range(2))
def test_replaying_the_log_online_agrees_with_a_refit(seed):
    choices, _, _ = a_crowd(seed, items=300, workers=25)
    order = np.random.default_rng(seed).permutation(len(choices.item))
    choices = Choices(*(column[order] for column in choices[:3]))
    online = replayed(choices, 4, 300, refits=range(150, 1500, 150))
    batch = Consensus().fit(choices, shape=(300, 4)).probas_
    assert (online.argmax(axis=1) == batch.argmax(axis=1)).mean() >= 0.98


@pytest.mark.parametrize("name", ["amazon_isbook", "music_genre"])
def test_replaying_real_people_online_agrees_with_a_refit(name):
    choices, _, categories = real(name)
    order, items = np.random.default_rng(0).permutation(len(choices.item)), choices.item.max() + 1
    choices = Choices(*(column[order] for column in choices[:3]))
    step = len(order) // 20
    online = replayed(choices, categories, items, refits=range(step, len(order), step))
    batch = Consensus().fit(choices, shape=(items, categories)).probas_
    assert (online.argmax(axis=1) == batch.argmax(axis=1)).mean() >= 0.98


def test_a_refit_is_a_function_of_the_log():
    choices, _, _ = a_crowd(3, items=200)
    first, again = (Consensus().fit(choices) for _ in range(2))
    for name in ("probas_", "evidence_", "base_"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert np.array_equal(first.workers_.rating, again.workers_.rating)
    renamed = choices._replace(worker=np.array([f"worker {name:03}" for name in choices.worker]))
    assert np.array_equal(Consensus().fit(renamed).probas_, first.probas_)


def test_an_update_leaves_what_came_in_alone_and_takes_at_most_a_millisecond():
    row, counts, prior = unheard(10, exclusive=True), np.zeros((10, 10)), np.full(10, 0.1)
    seconds = []
    for _ in range(50):
        start = perf_counter()
        done = update(row, counts, Said(3, choice=True), prior)
        seconds.append(perf_counter() - start)
    assert min(seconds) < 1e-3
    assert done.posterior.argmax() == 3 and not row.raw.any() and not counts.any()


def test_an_update_of_a_cell_touches_that_cell_alone():
    row = unheard(3, exclusive=False)
    done = update(row, np.zeros((2, 2)), Said(1, 0.0), np.full(3, 0.5), exclusive=False)
    assert done.posterior[1] < 0.5 and done.posterior[[0, 2]] == pytest.approx(0.5)
    assert done.row.judgments.tolist() == [0, 1, 0]


def test_a_choice_among_what_was_offered_then_is_renewed_online_as_a_fit_reads_it():
    offered = np.array([True, True, False])
    said = Choices(np.array([0]), np.array([0]), np.array(["ada"]), offered=offered[None])
    fitted = Consensus(sweeps=0).fit(said, shape=(1, 3))
    answer = Said(0, choice=True, offered=offered)
    done = update(unheard(3, exclusive=True), np.zeros((3, 3)), answer, fitted.prior_[0])
    assert np.allclose(done.row.raw, fitted.raw_[0])
    assert done.row.raw[0] > done.row.raw[2] > done.row.raw[1]
    assert not done.counts[2].any()


@pytest.mark.parametrize("exclusive", [True, False])
def test_what_is_heard_answer_by_answer_is_what_a_fit_hears(exclusive):
    random = np.random.default_rng(4)
    cell = np.argwhere(np.ones((20, 3)))[random.permutation(60)[:50]]
    said = Answers(cell[:, 0], cell[:, 1], np.arange(50) % 7, random.integers(0, 3, 50) / 2, query=np.arange(50))
    fitted = Consensus(exclusive).fit(said, shape=(20, 3))
    rates = dict(zip(fitted.workers_.name, fitted.workers_.rates, strict=True))
    rows = [unheard(3, exclusive) for _ in range(20)]
    for item, category, worker, value in zip(*said[:4], strict=True):
        rows[item] = heard(rows[item], Said(category, value), rates[worker])
    logs = np.array([evidence(row, fitted.looks_) for row in rows])
    logs -= logs.max(axis=1, keepdims=True) if exclusive else 0
    assert np.allclose(logs, fitted.evidence_) and abs(logs).max() > 0.5
    again = np.array([evidence(row, fitted.looks_) for row in fitted.rows()])
    again -= again.max(axis=1, keepdims=True) if exclusive else 0
    assert np.allclose(again, fitted.evidence_)


@pytest.mark.parametrize(("said", "sentence"), [(Said(3), "answer.category"), (Said(0, 1.5), "answer.value")])
def test_an_update_that_cannot_be_is_named(said, sentence):
    with pytest.raises(ValueError, match=sentence):
        update(unheard(3, exclusive=False), fresh(2), said, np.full(3, 0.5), exclusive=False)
