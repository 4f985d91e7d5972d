"""Long work in a process of its own: the row is the truth about it, the message in the queue only a bell."""

from django.db import models

from labeling.models.fields import unit


class AttemptQuerySet(models.QuerySet):
    def pending(self):
        return self.filter(state__in=Attempt.PENDING)


class Attempt(models.Model):
    """Work that is queued, attempted, attempted again if its process dies, and ends in one of three ways."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"

    PENDING = (State.QUEUED, State.RUNNING)

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    progress = unit(default=0.0)
    message = models.CharField(max_length=500, blank=True)
    requested = models.DateTimeField()
    started = models.DateTimeField(null=True)
    heartbeat = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        abstract = True
