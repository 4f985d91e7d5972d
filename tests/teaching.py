"""A project with something to learn: records of three kinds that a classifier can tell apart, some of them agreed."""

from pathlib import Path

import numpy as np
from django.core.files.storage import storages

from labeling import selecting, training
from labeling.models import Consensus, Gold, Project
from tests.making import a_project, a_query, an_item, now

PLACES = {"cat": (0, 0), "dog": (4, 0), "bird": (0, 4)}


def a_record(project, name, **fields):
    """An item that a classifier can tell from those of the other categories."""
    noise = np.random.default_rng(project.items.count()).normal(size=2)
    x, y = PLACES[name] + noise
    return an_item(project, values={"x": float(x), "y": float(y)}, **fields)


def agree(item, *names, source="people", degree=1.0, judgments=2, agreed=True):
    for name in names:
        Consensus.objects.update_or_create(
            item=item,
            category=item.project.categories.get(name=name),
            defaults={
                "project": item.project, "degree": degree, "share": degree, "posterior": 0.02 + 0.96 * degree,
                "evidence": np.log((0.02 + 0.96 * degree) / (0.98 - 0.96 * degree)), "judgments": judgments,
                "agreed": now() if agreed else None, "exclusive": item.project.exclusive, "source": source,
            },
        )  # fmt: skip


def a_taught_project(agreed=4, unknown=3, **fields):
    """Items of three kinds, some of each agreed."""
    project = a_project(media="record", **{"classifier": "logistic_regression"} | fields)
    for name in PLACES:
        for at in range(agreed + unknown):
            item = a_record(project, name)
            if at < agreed:
                agree(item, name)
    project.refresh_from_db()
    return project


def a_testing_project(length=3, gold=5, **fields):
    """Gold that is all cats, and queries to answer after the test."""
    project = a_project(items=4, test_length=length, **fields)
    for _ in range(gold):
        item = an_item(project)
        Gold.objects.bulk_create(
            Gold(item=item, category=category, degree=float(category.name == "cat"))
            for category in project.categories.all()
        )
    selecting.refill(project, random_state=0)
    project.refresh_from_db()
    return project


def examine(project, count=51):
    """Items that people agree on and that are kept to measure."""
    for at in range(count):
        name = list(PLACES)[at % 3]
        item = a_record(project, name, lot=0.01)
        a_query(project, "categories", [item], purpose="exam", state="closed")
        agree(item, name)
    project.refresh_from_db()


def run(project, **fields):
    Project.objects.filter(pk=project.pk).update(**fields)
    project.refresh_from_db()
    done = training.execute(training.request(project, "by hand", now=now(), seed=1))
    project.refresh_from_db()
    return done


def kept_arrays():
    return sorted(path.name.split("-")[0] for path in Path(storages["arrays"].location).rglob("*.npy"))
