"""What a refit of the consensus found: how reliable each worker is in each kind of query, and the crowd as a whole."""

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from labeling.models.fields import between, unit
from labeling.models.project import Member, Project
from labeling.models.run import TrainingRun


class Reliability(models.Model):
    """A worker in one kind of query: how often right, renewed with each answer and corrected by each refit."""

    worker = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="reliabilities")
    kind = models.CharField(max_length=10)
    rating = unit(default=0.75)
    error = unit(default=0.5)  # the rating's standard error
    judged = models.PositiveIntegerField(default=0)
    copies = unit(default=0.0)  # share of the answers that repeat what others had said before
    counts = models.JSONField(default=list)  # [[truth, said, expected answers]], those that are not nothing

    class Meta:
        verbose_name_plural = "reliabilities"
        constraints = [
            UniqueConstraint(fields=["worker", "kind"], name="a worker has one reliability in a kind"),
            between("rating", 0, 1, "a reliability is between 0 and 1"),
        ]

    def __str__(self):
        return f"{self.worker}, {self.kind}: {self.rating:.2f}"


class Renewal(models.Model):
    """Consensus on its way to what a worker's judgments, left out or taken in again, make of it. Gone when it is there.

    `done` of so many `items`; `begun` tells one decision about the worker from the next.
    """

    worker = models.OneToOneField(Member, on_delete=models.CASCADE, related_name="renewal")
    begun = models.DateTimeField()
    heard = models.DateTimeField()  # the last sign of life
    items = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [CheckConstraint(condition=Q(done__lte=F("items")), name="no more is renewed than there is")]

    def __str__(self):
        return f"{self.done} of {self.items} after {self.worker}"


class Refit(models.Model):
    """All judgments of a project read together, once; the next one replaces it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="refits")
    run = models.ForeignKey(TrainingRun, null=True, on_delete=models.SET_NULL, related_name="+")  # whose prior it took
    made = models.DateTimeField()
    last = models.BigIntegerField(default=0)  # the latest judgment it read
    judgments = models.PositiveIntegerField(default=0)
    categories = models.JSONField(default=list)  # primary keys, in the order of its arrays
    blend = unit()  # trust in the classifier's prior
    skills = models.JSONField(default=dict)  # {kind: answers that the kind's accuracy weighs as much as}
    asked = models.JSONField(default=dict)  # {kind: how often a single category asked about is the item's}
    arrays = models.JSONField(default=dict)  # pointers: base, half and whole looks, prior, rates.<kind>

    class Meta:
        constraints = [
            between("blend", 0, 1, "a trust in the classifier is between 0 and 1"),
        ]
        indexes = [models.Index(fields=["project", "-made"], name="refits_of_a_project")]

    def __str__(self):
        return f"Refit of {self.project}, {self.made:%Y-%m-%d %H:%M}"
