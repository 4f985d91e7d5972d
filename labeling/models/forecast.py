"""What a run foretold: accuracy by spend, and money by accuracy."""

from django.db import models
from django.db.models import Q

from labeling.models.run import TrainingRun


class Forecast(models.Model):
    """Made with a run and never changed, so that it can be held against what came.

    fan: [[spend, value, low, high]] from now on; money: [[goal, value, low, high]] of goals above the accuracy, an end
    null where it cannot be foreseen; both rise. With too little to go by they are empty, and `missing` says so.
    """

    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, related_name="forecast")
    made = models.DateTimeField()
    spent = models.BigIntegerField()
    value = models.FloatField(null=True)  # the accuracy measured, with its 80% interval
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    fan = models.JSONField(default=list)
    money = models.JSONField(default=list)
    missing = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(missing="", value__isnull=False) | (~Q(missing="") & Q(fan=[], money=[])),
                name="a forecast foretells or says what is missing",
            )
        ]

    def __str__(self):
        return f"Forecast of {self.run}"
