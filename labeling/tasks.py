"""Doors of the clusters: what a message may ring for. Each names a flow; the database decides whether it runs."""

from django.utils import timezone

from labeling import (
    asking,
    classifying,
    launching,
    refitting,
    renewing,
    replying,
    selecting,
    training,
    trying,
    watching,
)
from labeling.models import Classification, Project, Renewal, TrainingRun, Trial


def train(run: int) -> None:
    launching.launch(TrainingRun.objects.get(pk=run))


def classify(new: int) -> None:
    launching.classify(Classification.objects.get(pk=new))


def try_out(trial: int) -> None:
    if found := Trial.objects.filter(pk=trial).first():  # it may have been deleted since
        trying.launch(found)


def refill(project: int) -> None:
    selecting.refill(Project.objects.get(pk=project))


def renew(renewal: int) -> None:
    for found in Renewal.objects.filter(pk=renewal).select_related("worker__project"):
        renewing.renew(found)


def sweep() -> None:
    now = timezone.now()
    asking.expire(now)
    training.keep_schedules(now)
    training.sweep(now)
    classifying.sweep(now)
    trying.sweep(now)
    renewing.sweep(now)
    replying.forget(now)


def refit() -> None:
    refitting.sweep(timezone.now())


def watch() -> None:
    watching.watch_all(timezone.now())
