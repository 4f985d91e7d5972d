"""What is asked: rectangles of cells, and their offers to workers."""

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from labeling.kinds import KINDS, Cell
from labeling.models.fields import between, unit
from labeling.models.item import Item
from labeling.models.project import Category, Member, Project
from rewards.models import Transfer


class QueryQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state=Query.State.OPEN)

    def fresh(self):
        """Open and never yet offered: what the queue still holds for anybody. Gold only stands in for others."""
        return self.open().filter(asked=0, given_back=0).exclude(purpose=Query.Purpose.GOLD)

    def teaching(self):
        return self.filter(purpose__in=(Query.Purpose.TEACH, Query.Purpose.RANDOM))


class Query(models.Model):
    """A rectangle of cells put to workers."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"  # answered: agreed, or as often as wanted
        EXHAUSTED = "exhausted", "Exhausted"  # given back as often as wanted: people cannot tell
        WITHDRAWN = "withdrawn", "Withdrawn"  # no longer worth asking

    class Purpose(models.TextChoices):
        TEACH = "teach", "Teach"
        RANDOM = "random", "Random"
        GOLD = "gold", "Gold"
        EXAM = "exam", "Exam"
        AUDIT = "audit", "Audit"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="queries")
    kind = models.CharField(max_length=20, choices=[(kind.name, kind.title) for kind in KINDS.values()])
    value = models.FloatField()  # bits an answer is expected to teach
    wanted = models.PositiveIntegerField()
    asked = models.PositiveIntegerField(default=0)  # live + answered
    given_back = models.PositiveIntegerField(default=0)
    purpose = models.CharField(max_length=10, choices=Purpose, default=Purpose.TEACH)
    drawn = unit(default=1.0)  # the probability it was drawn with
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    reason = models.CharField(max_length=300, blank=True)
    signals = models.JSONField(default=dict)  # what the price list reads of the query, as it was when chosen
    run = models.ForeignKey("TrainingRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="queries")
    created = models.DateTimeField(auto_now_add=True)
    items = models.ManyToManyField(Item, through="QueryItem", related_name="queries")
    categories = models.ManyToManyField(Category, through="QueryCategory", related_name="queries")

    objects = QueryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "queries"
        constraints = [
            CheckConstraint(condition=Q(asked__lte=F("wanted")), name="never more people than wanted"),
            between("drawn", 0, 1, "a drawing probability is between 0 and 1"),
        ]
        indexes = [
            models.Index(
                F("project"), F("kind"), F("value").desc(), name="open_queries_by_worth", condition=Q(state="open")
            ),
            models.Index(fields=["project", "state"], name="query_by_state"),
        ]

    def __str__(self):
        return f"{self.kind} {self.pk}"

    def take_place(self, wait: bool = True) -> bool:
        """One more person is asked, if there is room for one; says whether it won.

        wait: for whoever is taking a place at this moment; without, that loses too.
        """
        free = Query.objects.open().filter(pk=self.pk, asked__lt=F("wanted"))
        if not wait:
            free = free.filter(pk__in=free.select_for_update(skip_locked=True, no_key=True).values("pk"))
        return bool(free.update(asked=F("asked") + 1))

    @property
    def item_list(self) -> list[Item]:
        return self._listed("items", QueryItem, "item")

    @property
    def category_list(self) -> list[Category]:
        return self._listed("categories", QueryCategory, "category")

    def _listed(self, name, through, field):
        cache = self.__dict__.setdefault("_lists", {})
        if name not in cache:
            rows = through.objects.filter(query=self).order_by("pk").select_related(field)
            cache[name] = [getattr(row, field) for row in rows]
        return cache[name]

    def cells(self) -> list[Cell]:
        return [Cell(item.pk, category.pk) for item in self.item_list for category in self.category_list]


class QueryItem(models.Model):
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="query_items")
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="query_items")

    class Meta:
        constraints = [UniqueConstraint(fields=["query", "item"], name="a query shows an item once")]

    def __str__(self):
        return f"{self.item} in {self.query}"


class QueryCategory(models.Model):
    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="query_categories")
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="query_categories")

    class Meta:
        constraints = [UniqueConstraint(fields=["query", "category"], name="a query offers a category once")]

    def __str__(self):
        return f"{self.category} in {self.query}"


class AssignmentQuerySet(models.QuerySet):
    def live(self):
        return self.filter(state=Assignment.State.LIVE)

    def answered(self):
        return self.filter(state=Assignment.State.ANSWERED)


class Assignment(models.Model):
    """One query offered to one worker at a fixed reward until answered, given back or expired."""

    class State(models.TextChoices):
        LIVE = "live", "Live"
        ANSWERED = "answered", "Answered"
        GIVEN_BACK = "given_back", "Given back"
        EXPIRED = "expired", "Expired"
        LATE = "late", "Answered too late: kept, unpaid, uncounted"

    HELD = (State.LIVE, State.ANSWERED, State.GIVEN_BACK, State.LATE)  # not offered to the same worker again

    query = models.ForeignKey(Query, on_delete=models.CASCADE, related_name="assignments")
    worker = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="assignments")
    state = models.CharField(max_length=10, choices=State, default=State.LIVE)
    reward = models.PositiveIntegerField()
    paid = models.PositiveIntegerField(null=True)
    reservation = models.ForeignKey(Transfer, null=True, on_delete=models.PROTECT, related_name="+")
    offered = models.DateTimeField()
    expires = models.DateTimeField()
    finished = models.DateTimeField(null=True)
    test = models.BooleanField(default=False)  # part of the qualification test: gold, shown as a test, unpaid
    reopened = models.BooleanField(default=False)  # by undo: to be corrected, no money moves
    reason = models.CharField(max_length=20, blank=True)  # why it was given back: skip, cannot_tell, broken
    note = models.CharField(max_length=500, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["query", "worker"], condition=~Q(state="expired"), name="a worker is asked a query once"
            ),
            UniqueConstraint(
                fields=["worker"], condition=Q(reopened=True), name="a worker corrects one answer at a time"
            ),
            CheckConstraint(
                condition=Q(paid__isnull=True) | Q(paid__lte=F("reward")), name="never more paid than offered"
            ),
            CheckConstraint(condition=Q(test=False) | Q(reward=0), name="a test is not paid"),
        ]
        indexes = [
            models.Index(fields=["worker", "state"], name="assignment_by_worker"),
            models.Index(fields=["expires"], name="assignment_by_expiry", condition=Q(state="live")),
            models.Index(fields=["finished"], name="answers_by_time", condition=Q(state="answered")),
        ]

    def __str__(self):
        return f"{self.query} to {self.worker}"


class Report(models.Model):
    """A worker says that an item is broken; as many reports as people must agree withdraw it."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="reports")
    worker = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="reports")
    note = models.CharField(max_length=500, blank=True)
    created = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["item", "worker"], name="a worker reports an item once")]

    def __str__(self):
        return f"{self.item} reported by {self.worker}"
