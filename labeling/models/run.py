"""One retraining: the row is the truth about it."""

from django.db import models
from django.db.models import Q, UniqueConstraint

from labeling.models.fields import between, unit
from labeling.models.project import Project


class TrainingRunQuerySet(models.QuerySet):
    def pending(self):
        return self.filter(state__in=TrainingRun.PENDING)

    def done(self):
        return self.filter(state__in=(TrainingRun.State.DONE, TrainingRun.State.REFUSED))


class TrainingRun(models.Model):
    """One retraining. The row is the truth about it; the message in the queue is only a bell."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"

    PENDING = (State.QUEUED, State.RUNNING)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    trigger = models.CharField(max_length=200)
    classifier = models.CharField(max_length=60)
    seed = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField(default=0)
    progress = unit(default=0.0)
    message = models.CharField(max_length=500, blank=True)
    requested = models.DateTimeField()
    started = models.DateTimeField(null=True)
    heartbeat = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    training_items = models.PositiveIntegerField(default=0)
    metrics = models.JSONField(default=dict)
    arrays = models.JSONField(default=dict)  # {name: {path, sha256, shape, dtype}}

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
