"""One retraining, and the classification of items that came after it."""

from django.db import models
from django.db.models import Q, UniqueConstraint

from labeling.models.attempt import Attempt, AttemptQuerySet
from labeling.models.fields import between
from labeling.models.project import Project


class TrainingRunQuerySet(AttemptQuerySet):
    def done(self):
        return self.filter(state__in=(TrainingRun.State.DONE, TrainingRun.State.REFUSED))


class TrainingRun(Attempt):
    """One retraining."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    trigger = models.CharField(max_length=200)
    classifier = models.CharField(max_length=60)
    seed = models.PositiveIntegerField()
    training_items = models.PositiveIntegerField(default=0)
    metrics = models.JSONField(default=dict)
    arrays = models.JSONField(default=dict)  # {name: {path, sha256, ...}}

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            UniqueConstraint(fields=["project", "number"], name="a run has a number of its own"),
            UniqueConstraint(
                fields=["project"],
                condition=Q(state__in=("queued", "running")),
                name="a project trains one run at a time",
            ),
            between("progress", 0, 1, "progress is between 0 and 1"),
        ]

    def __str__(self):
        return f"{self.project} run {self.number}"


class Classification(Attempt):
    """Items that came after a published run, classified by it as far as row `rows`. Refused: another run came before
    it."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="classifications")
    rows = models.PositiveIntegerField()

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            UniqueConstraint(
                fields=["run"],
                condition=Q(state__in=("queued", "running")),
                name="a run classifies new items once at a time",
            ),
            between("progress", 0, 1, "progress of a classification is between 0 and 1"),
        ]

    def __str__(self):
        return f"New items of {self.run}"
