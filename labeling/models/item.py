"""What is sorted, and what is known of it beforehand."""

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from labeling.models.fields import between, unit
from labeling.models.project import Category, Project


class ItemQuerySet(models.QuerySet):
    def present(self):
        return self.filter(withdrawn=False)


class Item(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="items")
    identifier = models.CharField(max_length=200)
    row = models.PositiveIntegerField()
    lot = models.FloatField()  # a keyed hash of the identifier: exam and audit draw by it
    text = models.TextField(blank=True)
    values = models.JSONField(null=True, blank=True)
    content = models.FileField(max_length=300, blank=True)
    seconds = models.FloatField(null=True)  # that a sound takes to hear
    withdrawn = models.BooleanField(default=False)  # reported as broken, or taken out by an admin: never asked
    created = models.DateTimeField(auto_now_add=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["row"]
        constraints = [
            UniqueConstraint(fields=["project", "identifier"], name="an identifier is used once in a project"),
            UniqueConstraint(fields=["project", "row"], name="an item has a row of its own"),
            CheckConstraint(condition=Q(lot__gte=0, lot__lt=1), name="a lot is at least 0 and below 1"),
        ]
        indexes = [
            models.Index(fields=["project", "lot"], name="item_by_lot"),
            models.Index(fields=["project", "row"], name="withdrawn_items", condition=Q(withdrawn=True)),
        ]

    def __str__(self):
        return self.identifier


class Gold(models.Model):
    """A cell whose truth is known beforehand. Used to check workers; never joined on a worker's path."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="+")
    degree = unit()

    class Meta:
        verbose_name_plural = "gold"
        constraints = [
            UniqueConstraint(fields=["item", "category"], name="a gold cell is known once"),
            between("degree", 0, 1, "a gold degree is between 0 and 1"),
        ]

    def __str__(self):
        return f"{self.item} / {self.category}"
