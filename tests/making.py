"""Small factories: what a test needs and nothing more."""

from itertools import count

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from labeling import opening
from labeling.kinds import KINDS, Cell
from labeling.models import Item, Member, Project, Query, QueryCategory, QueryItem, TrainingRun
from rewards import ledger

numbers = count(1)


def a_user(name: str = "", **fields) -> User:
    return User.objects.create_user(name or f"user{next(numbers)}", password="correct horse", **fields)


def a_project(
    *, categories=("cat", "dog", "bird"), items=0, funds=10_000, owner=None, media="text", **fields
) -> Project:
    fields = {"name": f"Project {next(numbers)}", "exam_share": 0.0, "gold_share": 0.0} | fields
    project = opening.open_project(owner or a_user(), categories=list(categories), media=media, **fields)
    if funds:
        ledger.fund(project.budget, funds)
    for _ in range(items):
        an_item(project)
    return project


def an_item(project: Project, identifier: str = "", **fields) -> Item:
    with transaction.atomic():
        row = opening.allot(project, rows=1)
    fields = {"text": f"What item {row} says", "lot": 0.5} | fields
    return Item.objects.create(project=project, identifier=identifier or f"item{row}", row=row, **fields)


def a_worker(project: Project, name: str = "", **fields) -> Member:
    worker = opening.join(a_user(name), project, Member.Role.WORKER)
    for field, value in fields.items():
        setattr(worker, field, value)
    worker.save()
    return worker


def a_query(project: Project, kind: str = "yes_no", items=None, categories=None, **fields) -> Query:
    """An open query of this kind; by default about as many new items and categories as the kind shows."""
    assert kind in KINDS
    shape = {"yes_no": (1, 1), "categories": (1, None), "items": (3, 1)}[kind]
    items = items or [an_item(project) for _ in range(shape[0])]
    categories = categories or list(project.categories.all()[: shape[1]])
    fields = {"value": 1.0, "wanted": project.wanted, "signals": {"cells": len(items) * len(categories)}} | fields
    query = Query.objects.create(project=project, kind=kind, **fields)
    QueryItem.objects.bulk_create(QueryItem(query=query, item=item) for item in items)
    QueryCategory.objects.bulk_create(QueryCategory(query=query, category=category) for category in categories)
    return query


def an_answer(query: Query, yes=()) -> dict[Cell, float]:
    """Degrees for a whole query: 1 for the cells in `yes` (cells, or names of categories), else 0."""
    names = {category.pk: category.name for category in query.category_list}
    chosen = {cell: float(cell in yes or names[cell.category] in yes) for cell in query.cells()}
    if KINDS[query.kind].implied:
        return {cell: degree for cell, degree in chosen.items() if degree}
    return chosen


def a_run(project: Project, state: str = TrainingRun.State.DONE, **fields) -> TrainingRun:
    """The project's next run, in this state; published if it is done."""
    last = project.runs.first()
    fields = {
        "number": last.number + 1 if last else 1,
        "trigger": "20 newly agreed",
        "classifier": "logistic_regression",
        "seed": 1,
        "requested": now(),
        "started": now(),
        "finished": now() if state in ("done", "refused", "failed") else None,
    } | fields
    run = TrainingRun.objects.create(project=project, state=state, **fields)
    if state == TrainingRun.State.DONE:
        Project.objects.filter(pk=project.pk).update(published=run)
    return run


def measured(accuracy: float, items: int, confidence: float = 0.8) -> dict:
    """Figures of a run as training keeps them."""
    return {
        "accuracy": accuracy,
        "accuracy_low": accuracy - 0.05,
        "accuracy_high": accuracy + 0.05,
        "log_loss": 0.321,
        "exam_confidence": 0.876,
        "exam_items": items,
        "mean_confidence": confidence,
        "by_category": {"cat": 0.7, "dog": 0.9, "bird": None},
    }


now = timezone.now


def database_url() -> str:
    """Where another process finds the database of the tests."""
    names = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{names['NAME']}"
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**names)
