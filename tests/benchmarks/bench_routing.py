"""What does it save to ask each worker what tells most for the reward, and whom others outdo about other things?

Run by name: `python tests/benchmarks/bench_routing.py [--seeds 5]`, with the Python of the checkout. Workers made up
(right in a share .55 + .40 Beta(2, 2) of answers, drawn anew for each kind of query; a tenth guess) come in a random
order, as many as there is need, to a project in a scratch database, and are asked and paid by the flows that serve real
ones. Half of the cells are asked one by one, half in grids; each is asked until it is sure (.95). Printed: what was
paid until all was agreed or asked twelve times, as a ratio of what it takes where the most valuable query is asked of
whoever comes, and the share of cells that came out right.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labeling.settings")

CELLS, GRID, WORKERS, PACE = 48, 4, 16, 40  # cells of each kind; a kind's grid; people; answers between two refits
POLICIES = {  # the least that must be told for the reward; None: the most valuable query, whoever comes
    "value alone": None, "worth": 0.0, "worth, .25": 0.25, "worth, .5": 0.5, "worth, .75": 0.75,
}  # fmt: skip


def crowd(seed):
    """{kind: (workers,) how often right}."""
    random = np.random.default_rng(seed)
    skill = {kind: 0.55 + 0.4 * random.beta(2, 2, WORKERS) for kind in ("yes_no", "items")}
    for rates in skill.values():
        rates[: WORKERS // 10 + 1] = 0.5
    return skill


def spent(seed, least):
    """(paid, share right) of one project."""
    from labeling import claiming
    from labeling.models import Consensus, Query
    from tests.making import a_project, a_query, a_worker, an_item

    random, worth = np.random.default_rng(seed + 1000), claiming.worth
    project = a_project(
        categories=("yes",), exclusive=False, funds=10**7, cell_price=1, wanted=12, agree_count=2, agree_by="posterior",
        agree_posterior=0.95, least_told=least or 0.0, queue_size=1, retrain_every=10**6,
    )  # fmt: skip
    facts = {"scarcity": 1 / (1 + 2 * 12)}  # plenty of people
    for _ in range(CELLS):
        a_query(project, "yes_no", value=1.0, signals={"cells": 1} | facts)
    for _ in range(CELLS // GRID):
        items = [an_item(project) for _ in range(GRID)]
        a_query(project, "items", items, value=float(GRID), signals={"cells": GRID} | facts)
    truth = {item: bool(random.random() < 0.5) for item in project.items.values_list("pk", flat=True)}
    people, skill = [a_worker(project) for _ in range(WORKERS)], crowd(seed)
    claiming.worth = (lambda query, worker: query.value) if least is None else worth
    try:
        work(project, people, skill, truth, random)
    finally:
        claiming.worth = worth
    said = dict(Consensus.objects.filter(project=project).values_list("item", "degree"))
    assert not Query.objects.filter(project=project).open().filter(asked=0).exists()
    return project.budget.spent, np.mean([(said.get(item, 0.5) >= 0.5) == true for item, true in truth.items()])


def work(project, people, skill, truth, random):
    """People come until nobody finds anything to answer."""
    from django.utils import timezone

    from labeling import answering, asking, refitting
    from labeling.access import worker_for

    idle, answers = set(), 0
    while len(idle) < len(people):
        at = int(random.integers(len(people)))
        if at in idle:
            continue
        worker = worker_for(people[at].user, project.slug)
        try:
            held = asking.next_assignment(worker, now=timezone.now())
        except asking.NothingToAsk:
            idle.add(at)
            continue
        right = random.random(len(held.query.cells())) < skill[held.query.kind][at]
        cells = zip(held.query.cells(), right, strict=True)
        answering.record(held, {cell: float(truth[cell.item] == ok) for cell, ok in cells}, now=timezone.now())
        answers += 1
        if answers % PACE == 0:
            refitting.refit(project, timezone.now())
            idle.clear()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"CLOSECALL_HOME": home, "DATABASE_URL": f"sqlite:///{home}/bench.sqlite3"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        table = {name: [spent(seed, least) for seed in range(options.seeds)] for name, least in POLICIES.items()}
    base = np.array([paid for paid, _ in table["value alone"]])
    print("| asked | paid, of what value alone pays (each seed) | saved | right |\n|---|---|---:|---:|")
    for name, rows in table.items():
        ratio = np.array([paid for paid, _ in rows]) / base
        each = ", ".join(f"{one:.2f}" for one in ratio)
        print(f"| {name} | {each} | x{1 / np.exp(np.log(ratio).mean()):.2f} | {np.mean([r for _, r in rows]):.3f} |")


if __name__ == "__main__":
    main()
