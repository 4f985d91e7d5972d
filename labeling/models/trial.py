"""Policies tried with people made up, before anybody is paid."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from labeling.models.attempt import Attempt, AttemptQuerySet
from labeling.models.fields import between, count
from labeling.models.project import Project


class Trial(Attempt):
    """Some policies, each played `seeds` times on at most so many items of the project, in a database of its own.

    The people are made up; nothing here is an answer, and nobody is paid.
    """

    class Crowd(models.TextChoices):
        MEASURED = "measured", "As measured in this project so far"
        USUAL = "usual", "Usual: 55 to 95% right"
        CAREFUL = "careful", "Careful: 75 to 97% right"
        MIXED = "mixed", "Usual, and one in ten does not look"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trials")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    policies = models.JSONField()  # their names, the measure of the others first
    crowd = models.CharField(max_length=10, choices=Crowd, default=Crowd.USUAL)
    classifier = models.CharField(max_length=60, blank=True)  # of all policies that name none; empty: the project's
    seeds = count(3, 1, 10)
    items = count(300, 60, 2_000)
    known = models.CharField(max_length=200, blank=True)  # where the truth of the items is from
    played_items = models.PositiveIntegerField(default=0)
    budget = models.PositiveBigIntegerField(default=0)  # the most that a play could spend
    found = models.JSONField(default=dict)  # {curves, played}, see `simulating.comparing`

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            UniqueConstraint(
                fields=["project"],
                condition=Q(state__in=("queued", "running")),
                name="a project tries one thing at a time",
            ),
            between("seeds", 1, 10, "a trial has 1 to 10 crowds"),
            between("items", 60, 2_000, "a trial has 60 to 2,000 items"),
            between("progress", 0, 1, "a trial's progress is between 0 and 1"),
            CheckConstraint(
                condition=Q(crowd__in=("measured", "usual", "careful", "mixed")), name="a trial's crowd is one of four"
            ),
        ]

    def __str__(self):
        return f"Trial {self.pk} of {self.project}"
