"""What the house is made of: fields, constraints, querysets. Nouns are models, adjectives are queryset methods."""

import secrets

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.utils.functional import cached_property

from labeling.kinds import KINDS, Cell
from rewards.models import Budget, Transfer


def unit(**options):
    """A number in [0, 1]."""
    return models.FloatField(validators=[MinValueValidator(0.0), MaxValueValidator(1.0)], **options)


def count(default, least=0, most=1_000_000, **options):
    return models.PositiveIntegerField(
        default=default, validators=[MinValueValidator(least), MaxValueValidator(most)], **options
    )


def between(field: str, low: float, high: float, name: str) -> CheckConstraint:
    return CheckConstraint(condition=Q(**{f"{field}__gte": low, f"{field}__lte": high}), name=name)


def invitation_key() -> str:
    return secrets.token_urlsafe(16)


class Media(models.TextChoices):
    TEXT = "text", "Text"
    IMAGE = "image", "Images"
    AUDIO = "audio", "Audio"
    RECORD = "record", "Records (named values)"

    @property
    def has_content(self) -> bool:
        return self in (Media.IMAGE, Media.AUDIO)


class ProjectQuerySet(models.QuerySet):
    def active(self):
        return self.filter(state=Project.State.ACTIVE)

    def of(self, user, *roles):
        """Projects in which this user has a role (one of those named, or any)."""
        members = Member.objects.filter(user=user)
        return self.filter(pk__in=(members.filter(role__in=roles) if roles else members).values("project"))


class Project(models.Model):
    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        ARCHIVED = "archived", "Archived"

    class TrainOn(models.TextChoices):
        AGREED = "agreed", "Agreed items only"
        EVIDENCE = "evidence", "All answers, weighed"

    class Policy(models.TextChoices):
        PLANNER = "planner", "What teaches most per reward"
        MARGIN = "margin", "Smallest margin first"
        RANDOM = "random", "At random"

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    instructions = models.TextField(max_length=20_000, help_text="What workers read before their first query.")
    media = models.CharField(max_length=10, choices=Media)
    exclusive = models.BooleanField(default=True, help_text="Every item belongs to exactly one category.")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    budget = models.OneToOneField(Budget, on_delete=models.PROTECT, related_name="project")
    invitation_key = models.CharField(max_length=32, default=invitation_key, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    # Numbers of array rows and columns: allotted once, never reused.
    rows = models.PositiveIntegerField(default=0, editable=False)
    columns = models.PositiveIntegerField(default=0, editable=False)

    agree_count = count(2, 1, 100, help_text="People who must agree on a cell.")
    agree_share = models.FloatField(
        default=0.66,
        validators=[MinValueValidator(0.5), MaxValueValidator(1.0)],
        help_text="The share of its judgments that must say the same.",
    )
    wanted = count(3, 1, 100, help_text="At most this many people are asked the same query.")

    policy = models.CharField(
        max_length=10, choices=Policy, default=Policy.PLANNER, help_text="Which queries come next."
    )
    queue_size = count(60, 1, 100_000, help_text="Queries kept open at a time.")
    ahead = count(1, 1, 20, help_text="Live assignments a worker may hold.")
    lease_seconds = count(600, 10, 86_400, help_text="Seconds until an unanswered assignment goes to somebody else.")
    exam_share = unit(default=0.05, help_text="Share of items drawn at random to measure accuracy; they never train.")
    gold_share = unit(default=0.05, help_text="Share of the queue that checks workers by items whose truth is known.")
    certain = unit(default=0.9, help_text="Nothing is asked about a cell of this confidence or more.")
    hard = unit(default=0.5, help_text="An item whose confidence is below is asked with all categories.")
    grid = count(12, 2, 60, help_text="Items shown in one category \u2192 many items query.")

    classifier = models.CharField(max_length=60, default="deep_segmentation")
    retrain_every = count(20, 1, help_text="Newly agreed items (cells, if not exclusive) that start a run.")
    target_confidence = unit(default=0.95, help_text="Asking stops at this mean confidence.")
    train_on = models.CharField(max_length=10, choices=TrainOn, default=TrainOn.AGREED)
    published = models.ForeignKey(
        "TrainingRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    cell_price = count(10, 0, help_text="Reward for one cell, in the smallest unit, before factors.")
    price_floor = count(0, 0, help_text="No answer is paid less.")
    price_ceiling = count(1000, 0, help_text="No answer is paid more.")
    factors = models.JSONField(default=dict, blank=True)  # {factor name: strength in [0, 1]}
    refill_requested = models.DateTimeField(null=True, editable=False)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            between("agree_share", 0.5, 1, "an agreed share is between a half and 1"),
            between("exam_share", 0, 1, "an exam share is between 0 and 1"),
            between("gold_share", 0, 1, "a gold share is between 0 and 1"),
            between("certain", 0, 1, "a certain confidence is between 0 and 1"),
            between("hard", 0, 1, "a hard confidence is between 0 and 1"),
            between("target_confidence", 0, 1, "a target confidence is between 0 and 1"),
            CheckConstraint(condition=Q(agree_count__gte=1), name="at least one person agrees"),
            CheckConstraint(condition=Q(wanted__gte=F("agree_count")), name="enough people are asked to agree"),
            CheckConstraint(condition=Q(price_floor__lte=F("price_ceiling")), name="the floor is under the ceiling"),
        ]

    def __str__(self):
        return self.name

    @cached_property
    def category_keys(self) -> list[int]:
        """Its categories' primary keys in array order, read once."""
        return list(self.categories.order_by("column").values_list("pk", flat=True))


class MemberQuerySet(models.QuerySet):
    def workers(self):
        return self.filter(role=Member.Role.WORKER)

    def trusted(self):
        return self.filter(set_aside=False)


class Member(models.Model):
    """A user's role in a project. A Worker is the Member with role worker; its rating is its estimated reliability."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        RESEARCHER = "researcher", "Researcher"
        WORKER = "worker", "Worker"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    rating = unit(default=0.75)  # consensus.rating(0, 0)
    agreed = models.PositiveIntegerField(default=0)  # judgments on agreed cells that side with the consensus
    judged = models.PositiveIntegerField(default=0)  # judgments on agreed cells
    set_aside = models.BooleanField(default=False)  # judgments left out of consensus, no further offers
    joined = models.DateTimeField(auto_now_add=True)

    objects = MemberQuerySet.as_manager()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["user", "project", "role"], name="a user has a role in a project once"),
            between("rating", 0, 1, "a rating is between 0 and 1"),
            CheckConstraint(condition=Q(agreed__lte=F("judged")), name="a worker agrees on what was judged"),
        ]

    def __str__(self):
        return f"{self.user} as {self.role}"


class Category(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="categories")
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    column = models.PositiveIntegerField()

    class Meta:
        ordering = ["column"]
        verbose_name_plural = "categories"
        constraints = [
            UniqueConstraint(fields=["project", "name"], name="a category name is used once in a project"),
            UniqueConstraint(fields=["project", "column"], name="a category has a column of its own"),
        ]

    def __str__(self):
        return self.name


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
        indexes = [models.Index(fields=["project", "lot"], name="item_by_lot")]

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


class QueryQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state=Query.State.OPEN)

    def fresh(self):
        """Open and never yet offered: what the queue still holds for anybody."""
        return self.open().filter(asked=0)

    def open_to(self, worker: Member):
        """Open queries with a free place, none of whose cells this worker was already asked about.

        The open queue is bounded, so this costs the same in a project of a hundred items and of a million.
        """
        asked = Assignment.objects.filter(worker=worker, state__in=Assignment.HELD)
        overlapping = QueryItem.objects.filter(
            query__assignments__in=asked,
            item__in=QueryItem.objects.filter(query=models.OuterRef(models.OuterRef("pk"))).values("item"),
            query__query_categories__category__in=QueryCategory.objects.filter(
                query=models.OuterRef(models.OuterRef("pk"))
            ).values("category"),
        )
        return self.open().filter(asked__lt=F("wanted")).exclude(models.Exists(overlapping))


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
            models.Index(F("project"), F("value").desc(), name="open_queries_by_value", condition=Q(state="open")),
            models.Index(fields=["project", "state"], name="query_by_state"),
        ]

    def __str__(self):
        return f"{self.kind} {self.pk}"

    def take_place(self) -> bool:
        """One more person is asked, if there is room for one; says whether it won."""
        return bool(Query.objects.open().filter(pk=self.pk, asked__lt=F("wanted")).update(asked=F("asked") + 1))

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
    reopened = models.BooleanField(default=False)  # by undo: to be corrected, no money moves
    reason = models.CharField(max_length=20, blank=True)  # why it was given back: skip, cannot_tell, broken
    note = models.CharField(max_length=500, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["query", "worker"], condition=~Q(state="expired"), name="a worker is asked a query once"
            ),
            CheckConstraint(
                condition=Q(paid__isnull=True) | Q(paid__lte=F("reward")), name="never more paid than offered"
            ),
        ]
        indexes = [
            models.Index(fields=["worker", "state"], name="assignment_by_worker"),
            models.Index(fields=["expires"], name="assignment_by_expiry", condition=Q(state="live")),
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
    degree = unit()
    posterior = unit()
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
            between("posterior", 0, 1, "a posterior is between 0 and 1"),
        ]
        indexes = [models.Index(fields=["project", "agreed"], name="agreed_cells", condition=Q(agreed__isnull=False))]

    def __str__(self):
        return f"{self.item} / {self.category}: {self.degree:.2f}"


class TrainingRunQuerySet(models.QuerySet):
    def pending(self):
        return self.filter(state__in=TrainingRun.PENDING)

    def done(self):
        return self.filter(state__in=(TrainingRun.State.DONE, TrainingRun.State.REFUSED))


class TrainingRun(models.Model):
    """One retraining. The row is the truth about it; the message in the queue is only a bell."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"

    PENDING = (State.QUEUED, State.RUNNING)

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    trigger = models.CharField(max_length=200)
    classifier = models.CharField(max_length=60)
    seed = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField(default=0)
    progress = unit(default=0.0)
    message = models.CharField(max_length=500, blank=True)
    requested = models.DateTimeField()
    started = models.DateTimeField(null=True)
    heartbeat = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    training_items = models.PositiveIntegerField(default=0)
    metrics = models.JSONField(default=dict)
    arrays = models.JSONField(default=dict)  # {name: {path, sha256, shape, dtype}}

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            UniqueConstraint(fields=["project", "number"], name="a run has a number of its own"),
            UniqueConstraint(
                fields=["project"],
                condition=Q(state__in=("queued", "running")),
                name="a project trains one run at a time",
            ),
            between("progress", 0, 1, "progress is between 0 and 1"),
        ]

    def __str__(self):
        return f"{self.project} run {self.number}"


class Reply(models.Model):
    """The reply an idempotency key was answered with, so that a retry after a lost connection gets the same."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField()
    body = models.JSONField(null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "replies"
        constraints = [UniqueConstraint(fields=["user", "key"], name="an idempotency key is used once")]

    def __str__(self):
        return self.key
