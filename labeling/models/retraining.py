"""A project's retraining policy: when a run starts, from what it learns, and until when people are asked."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, Q

from labeling.models.fields import between, count, unit


class Retraining(models.Model):
    """These fields of a project. A target that is not set never ends the asking; without any it goes on for ever."""

    class When(models.TextChoices):
        AT_ONCE = "at_once", "At once, after each newly agreed item"
        SIZE = "size", "When so many are newly agreed"
        SCHEDULE = "schedule", "Every so many hours, if anything is newly agreed"

    class TrainOn(models.TextChoices):
        AGREED = "agreed", "Agreed items only"
        EVIDENCE = "evidence", "All answers, weighed"

    class TrainingSet(models.TextChoices):
        CUMULATIVE = "cumulative", "Cumulative: all there ever was"
        REINITIALISED = "reinitialised", "Reinitialised: what is new since the published run"

    classifier = models.CharField(max_length=60, default="deep_segmentation")
    retrain_when = models.CharField(max_length=10, choices=When, default=When.SIZE, help_text="When a run starts.")
    retrain_every = count(20, 1, help_text="Newly agreed items (cells, if not exclusive) that start a run.")
    retrain_hours = count(24, 1, 8_760, help_text="Hours from run to run on a schedule.")
    train_on = models.CharField(max_length=10, choices=TrainOn, default=TrainOn.AGREED)
    training_set = models.CharField(
        max_length=15, choices=TrainingSet, default=TrainingSet.CUMULATIVE, help_text="How far back a run learns."
    )
    target_confidence = unit(
        default=0.95, null=True, blank=True, help_text="Asking stops at this mean confidence. Empty: at none."
    )
    target_decided = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01), MaxValueValidator(1.0)],
        help_text="Asking stops when a certificate stands and so large a share of the items is decided, by people or "
        "under it. Empty: at none.",
    )
    target_spent = models.PositiveIntegerField(
        null=True, blank=True, help_text="Asking stops when so much is spent, in the smallest unit. Empty: at nothing."
    )

    class Meta:
        abstract = True

    @property
    def set_begun(self) -> datetime | None:
        """Since when what is new makes the training set; None where it is cumulative, or nothing is published yet.

        A set begins anew when a run that learned from it is published; a failed or refused one leaves it as it is.
        """
        anew = self.training_set == self.TrainingSet.REINITIALISED and self.published_id
        return self.published.started if anew else None


RETRAINING = [
    between("target_confidence", 0, 1, "a target confidence is between 0 and 1"),
    between("target_decided", 0.01, 1, "a decided share is between .01 and 1"),
    CheckConstraint(condition=Q(retrain_every__gte=1, retrain_hours__gte=1), name="a run waits for something"),
    CheckConstraint(
        condition=~Q(training_set="reinitialised", retrain_when="at_once"),
        name="a training set begun anew holds more than one item",
    ),
    CheckConstraint(
        condition=Q(target_decided=None) | Q(accept_share__isnull=False),
        name="what a certificate decides is said before it is a target",
    ),
]
