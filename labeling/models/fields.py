"""Kinds of fields and constraints that several models share."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, Q


def unit(**options):
    """A number in [0, 1]."""
    return models.FloatField(validators=[MinValueValidator(0.0), MaxValueValidator(1.0)], **options)


def count(default, least=0, most=1_000_000, **options):
    return models.PositiveIntegerField(
        default=default, validators=[MinValueValidator(least), MaxValueValidator(most)], **options
    )


def between(field: str, low: float, high: float, name: str) -> CheckConstraint:
    return CheckConstraint(condition=Q(**{f"{field}__gte": low, f"{field}__lte": high}), name=name)
