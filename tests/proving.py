"""A project whose classifier is nearly always right, and people who audit it."""

import numpy as np

from labeling import accepting, answering, arrays, asking, opening, selecting
from labeling.kinds import Cell
from labeling.models import Item, Project, Query, TrainingRun
from tests.making import a_project, a_worker, now


def publish(project, probability) -> TrainingRun:
    """A finished run that says this; what stood before it ends, as when a run is really published."""
    run = TrainingRun.objects.create(
        project=project, number=1 + project.runs.count(), state="done", seed=0, requested=now(), started=now(),
        finished=now(), classifier="logistic_regression",
        arrays={"probability": arrays.save(f"{project.pk}/probability", np.array(probability, np.float32))},
    )  # fmt: skip
    Project.objects.filter(pk=project.pk).update(published=run)
    project.refresh_from_db()
    return run


def a_sure_project(items=120, wrong=(), **fields):
    """Items that are all cats, as the run says of them; but of those in the rows `wrong` it says dog."""
    fields = {
        "accept_share": 0.3,
        "cell_price": 1,
        "queue_size": 1000,
        "target_confidence": 0.9,
        "audit_lead": 2,
    } | fields
    project = a_project(funds=100_000, **fields)
    first = opening.allot(project, rows=items)
    Item.objects.bulk_create(
        Item(project=project, identifier=f"item{row}", row=row, text=f"What item {row} says", lot=0.5)
        for row in range(first, first + items)
    )
    for _ in range(3):
        a_worker(project, rating=0.99)
    sure = np.linspace(0.97, 0.999, items)[:, None]
    probability = np.hstack([sure, (1 - sure) * 0.6, (1 - sure) * 0.4])
    probability[list(wrong)] = probability[list(wrong)][:, [1, 0, 2]]
    publish(project, probability)
    return project


def audits(project, **which):
    return project.queries.filter(purpose=Query.Purpose.AUDIT, **which)


def say(query, worker, name) -> None:
    """This worker's answer to a whole row; a list of names where several may be chosen."""
    names = [name] if isinstance(name, str) else name
    (item,), chosen = query.item_list, [one.pk for one in query.category_list if one.name in names]
    assert query.take_place()
    query.project = worker.project
    assignment = asking.offer(query, worker, now())
    answering.record(assignment, {Cell(item.pk, category): 1.0 for category in chosen}, now=now())


def judge(project, truth="cat", workers=None) -> None:
    """Two people of the project answer every open audit query alike. truth: a name, or {row: name} with cats else."""
    workers = workers or list(project.members.workers().select_related("project__budget", "user")[:2])
    for query in audits(project, state="open"):
        row = query.item_list[0].row
        for worker in workers:
            say(query, worker, truth.get(row, "cat") if isinstance(truth, dict) else truth)


def refill(project):
    return selecting.refill(project, random_state=0)


def certify(project, truth="cat"):
    """A whole audit from its first query to its certificate, if it earns one."""
    accepting.begin(project, now(), seed=1)
    refill(project)
    judge(project, truth)
    refill(project)
    project.refresh_from_db()
    return project.certificates.standing().first()
