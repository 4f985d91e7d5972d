"""What people said, and what is held true."""

from django.db import models
from django.db.models import Q, UniqueConstraint

from labeling.models.fields import between, unit
from labeling.models.item import Item
from labeling.models.project import Category, Member, Project
from labeling.models.query import Assignment


class JudgmentQuerySet(models.QuerySet):
    def standing(self):
        return self.filter(replaced=None)


class Judgment(models.Model):
    """One worker's degree for one cell, unique while not replaced. Of a choose-from-all answer only the chosen cells
    are stored; the others of its rectangle are 0 by implication."""

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="judgments")
    worker = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="judgments")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="judgments")
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="+")
    degree = unit()
    created = models.DateTimeField()
    replaced = models.DateTimeField(null=True)

    objects = JudgmentQuerySet.as_manager()

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["worker", "item", "category"],
                condition=Q(replaced=None),
                name="a worker judges a cell once",
            ),
            between("degree", 0, 1, "a judged degree is between 0 and 1"),
        ]

    def __str__(self):
        return f"{self.worker}: {self.item} / {self.category} = {self.degree}"


class ConsensusQuerySet(models.QuerySet):
    def agreed(self):
        return self.filter(agreed__isnull=False)

    def of_people(self):
        return self.filter(source=Consensus.Source.PEOPLE)


class Consensus(models.Model):
    """What is held true of one cell. Of an exclusive item one category at most is agreed, which settles its row."""

    class Source(models.TextChoices):
        PEOPLE = "people", "People"
        IMPORT = "import", "Import"
        SURVEY = "survey", "Survey"
        ADMIN = "admin", "Admin"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="consensus")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="consensus")
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="consensus")
    degree = unit()  # the share of people who say yes, corrected for how reliable they are
    error = models.FloatField(default=0.0)  # the degree's standard error
    share = unit(default=0.0)  # the same, not corrected: what the plain rule of agreement reads
    posterior = unit()
    evidence = models.FloatField(default=0.0)  # nats, of people alone; relative to a category nobody was asked about
    judgments = models.PositiveIntegerField(default=0)
    agreed = models.DateTimeField(null=True)  # since when
    exclusive = models.BooleanField()  # the project's, here so that the database can hold the rule below
    source = models.CharField(max_length=10, choices=Source, default=Source.PEOPLE)

    objects = ConsensusQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "consensus"
        constraints = [
            UniqueConstraint(fields=["item", "category"], name="a cell has one consensus"),
            UniqueConstraint(
                fields=["item"],
                condition=Q(agreed__isnull=False, exclusive=True),
                name="an exclusive item agrees on one category",
            ),
            between("degree", 0, 1, "a degree is between 0 and 1"),
            between("share", 0, 1, "a share is between 0 and 1"),
            between("posterior", 0, 1, "a posterior is between 0 and 1"),
        ]
        indexes = [
            models.Index(fields=["project", "source", "agreed"], name="agreed_cells", condition=Q(agreed__isnull=False))
        ]

    def __str__(self):
        return f"{self.item} / {self.category}: {self.degree:.2f}"
