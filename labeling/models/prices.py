"""What a project pays: the fields of Project that its price list is made of."""

from django.db import models
from django.db.models import CheckConstraint, F, Q

from labeling.models.fields import between, count, unit


class Prices(models.Model):
    """Abstract: a project and its prices are one row, so that an offer looks nothing up."""

    class By(models.TextChoices):
        CELLS = "cells", "What is asked: so much a cell"
        TIME = "time", "The time it takes: so much an hour"

    price_by = models.CharField(max_length=5, choices=By, default=By.CELLS, help_text="What the base follows.")
    cell_price = count(10, 0, help_text="Reward for one cell, in the smallest unit, before factors.")
    hourly_rate = count(
        1200, 0, 10**9, help_text="Reward for an hour of such queries, before factors, at the time they usually take."
    )
    price_floor = count(0, 0, help_text="No answer is paid less.")
    price_ceiling = count(1000, 0, help_text="No answer is paid more.")
    hourly_floor = count(
        0, 0, 10**9, help_text="An hour of work earns no less: where a kind falls below, its price is raised."
    )
    equal_pay = models.BooleanField(
        default=False, help_text="Everybody is paid alike for the same query: the worker's own rating does not enter."
    )
    least_told = unit(
        default=0.25,
        help_text="Share of what others tell for the same reward. Who is known to tell less in a kind of query is "
        "asked other kinds, as long as there are enough others. 0: everybody is asked everything.",
    )
    factors = models.JSONField(default=dict, blank=True)  # {factor name: strength in [0, 1]}
    pace = models.JSONField(default=dict, editable=False)  # {kind: a Pace}, see `pacing`

    class Meta:
        abstract = True


PRICES = [
    between("least_told", 0, 1, "a least told share is between 0 and 1"),
    CheckConstraint(condition=Q(price_floor__lte=F("price_ceiling")), name="the floor is under the ceiling"),
    CheckConstraint(condition=Q(price_by__in=Prices.By.values), name="a price follows cells or time"),
]
