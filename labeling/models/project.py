"""A project, who takes part in it, and the categories it sorts into."""

import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.utils import timezone
from django.utils.functional import cached_property

from labeling.models.fields import between, count, unit
from labeling.models.prices import PRICES, Prices
from labeling.models.retraining import RETRAINING, Retraining
from rewards.models import Budget


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


class Watch(models.TextChoices):
    """What follows when a worker comes under suspicion."""

    OFF = "off", "Do nothing"
    FLAG = "flag", "Show it"
    PAUSE = "pause", "Show it and pause the worker"


def watch(help_text: str):
    return models.CharField(max_length=10, choices=Watch, default=Watch.FLAG, help_text=help_text)


class ProjectQuerySet(models.QuerySet):
    def active(self):
        return self.filter(state=Project.State.ACTIVE)

    def of(self, user, *roles):
        """Projects in which this user has a role (one of those named, or any)."""
        members = Member.objects.present().filter(user=user)
        return self.filter(pk__in=(members.filter(role__in=roles) if roles else members).values("project"))


class Project(Prices, Retraining):
    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        ARCHIVED = "archived", "Archived"

    class Policy(models.TextChoices):
        PLANNER = "planner", "What teaches most per reward"
        THRESHOLDS = "thresholds", "By thresholds, the kinds in turn"
        LOWEST = "lowest", "By thresholds, lowest confidence first"
        CHEAPEST = "cheapest", "By thresholds, cheapest first"
        DEAREST = "dearest", "By thresholds, dearest first where worth more"
        FULLEST = "fullest", "By thresholds, as much of the money as fits"
        MARGIN = "margin", "Smallest margin first"
        RANDOM = "random", "At random"

    class AgreeBy(models.TextChoices):
        SHARE = "share", "So many people, so large a share of them"
        POSTERIOR = "posterior", "Sure enough, by what each of them is worth"

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

    agree_by = models.CharField(
        max_length=10, choices=AgreeBy, default=AgreeBy.SHARE, help_text="What makes a cell agreed."
    )
    agree_count = count(2, 1, 100, help_text="People who must agree on a cell.")
    agree_share = models.FloatField(
        default=0.66,
        validators=[MinValueValidator(0.5), MaxValueValidator(1.0)],
        help_text="The share of its judgments that must say the same.",
    )
    agree_posterior = models.FloatField(
        default=0.95,
        validators=[MinValueValidator(0.5), MaxValueValidator(0.99)],
        help_text="How probable a category must be.",
    )
    wanted = count(3, 1, 100, help_text="At most this many people are asked the same query.")

    policy = models.CharField(
        max_length=10, choices=Policy, default=Policy.PLANNER, help_text="Which queries come next."
    )
    queue_size = count(60, 1, 100_000, help_text="Queries kept open at a time.")
    ahead = count(1, 1, 20, help_text="Live assignments a worker may hold.")
    lease_seconds = count(600, 10, 86_400, help_text="Seconds until an unanswered assignment goes to somebody else.")
    exam_share = unit(default=0.05, help_text="Share of items drawn at random to measure accuracy; they never train.")
    gold_share = unit(default=0.05, help_text="Share of what each worker is asked whose truth is known, to check.")
    item_worth = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="What it is worth to know an item's category, in the smallest unit. Nothing is asked that costs more "
        "than what it is expected to settle of that. Empty: asking goes on while there is doubt and money.",
    )
    certain = unit(default=0.9, help_text="Nothing is asked about a cell of this confidence or more.")
    hard = unit(default=0.5, help_text="An item whose confidence is below is asked with all categories.")
    grid = count(12, 2, 60, help_text="Items shown in one category \u2192 many items query.")

    test_length = count(0, 0, 100, help_text="Queries of the qualification test, answered unpaid before the first one.")
    test_pass = unit(default=0.8, help_text="The share of the test that must be right.")
    on_fast = watch("What happens when somebody answers faster than one can read.")
    on_guessing = watch("What happens when answers side with others no more than chance would.")
    on_copying = watch("What happens when somebody repeats another's errors.")
    watch_level = unit(default=0.05, help_text="Of those who come under suspicion at most this share, by chance alone.")
    watched = models.DateTimeField(null=True, editable=False)  # when the workers were last looked at

    published = models.ForeignKey(
        "TrainingRun", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    refit = models.ForeignKey(
        "Refit", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    accept_share = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.001), MaxValueValidator(0.5)],
        help_text="At most this share of what the classifier decides may be wrong. Empty: nothing is accepted.",
    )
    accept_confidence = models.FloatField(
        default=0.95,
        validators=[MinValueValidator(0.51), MaxValueValidator(0.999)],
        help_text="How surely that holds.",
    )
    audit_lead = count(2, 1, 5, help_text="People by whom an answer must lead in an audit at least.")

    aim = unit(default=0.95, help_text="The accuracy that the forecast looks for. Reaching it ends nothing.")
    refill_requested = models.DateTimeField(null=True, editable=False)
    refilled = models.DateTimeField(null=True, editable=False)
    emptied = models.CharField(max_length=10, blank=True, editable=False)  # why the last refill opened nothing to teach

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            between("agree_share", 0.5, 1, "an agreed share is between a half and 1"),
            between("agree_posterior", 0.5, 0.99, "an agreed posterior is between a half and .99"),
            between("exam_share", 0, 1, "an exam share is between 0 and 1"),
            between("gold_share", 0, 1, "a gold share is between 0 and 1"),
            between("test_pass", 0, 1, "a pass mark is between 0 and 1"),
            between("watch_level", 0.001, 0.5, "a level of suspicion is between 0.001 and a half"),
            between("aim", 0, 1, "an aim is between 0 and 1"),
            between("certain", 0, 1, "a certain confidence is between 0 and 1"),
            between("hard", 0, 1, "a hard confidence is between 0 and 1"),
            between("accept_share", 0.001, 0.5, "an accepted share is between 0.001 and a half"),
            between("accept_confidence", 0.51, 0.999, "an accepted confidence is between 0.51 and 0.999"),
            CheckConstraint(condition=Q(audit_lead__gte=1), name="an audit is led by somebody"),
            CheckConstraint(condition=Q(agree_count__gte=1), name="at least one person agrees"),
            CheckConstraint(condition=Q(wanted__gte=F("agree_count")), name="enough people are asked to agree"),
            *RETRAINING,
            *PRICES,
        ]

    def __str__(self):
        return self.name

    def clean(self):
        """Items between the old and a higher exam share were asked by choice; an exam of the rest would be biased."""
        before = Project.objects.filter(pk=self.pk, queries__isnull=False).values_list("exam_share", flat=True).first()
        if before is not None and self.exam_share is not None and self.exam_share > before + 1e-9:
            sentence = f"Once queries were asked it can only be lowered (it is {before:.1%})."
            raise ValidationError({"exam_share": sentence})

    @cached_property
    def category_keys(self) -> list[int]:
        """Its categories' primary keys in array order, read once."""
        return list(self.categories.order_by("column").values_list("pk", flat=True))


class MemberQuerySet(models.QuerySet):
    def workers(self):
        return self.filter(role=Member.Role.WORKER)

    def trusted(self):
        return self.filter(set_aside=False)

    def present(self):
        return self.filter(left=None)


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
    rating = unit(default=0.75)  # over all kinds of queries; a newcomer's until there are answers
    agreed = models.PositiveIntegerField(default=0)  # judgments on agreed cells that side with the consensus
    judged = models.PositiveIntegerField(default=0)  # judgments on agreed cells
    set_aside = models.BooleanField(default=False)  # judgments left out of consensus, no further offers
    qualifications = models.CharField(max_length=1000, blank=True)
    experience = models.CharField(max_length=1000, blank=True)
    starting_rating = unit(default=0.75, help_text="The rating before any answer, from what is known of the worker.")
    starting_answers = count(8, 0, 1000, help_text="How many answers the starting rating weighs as much as.")
    # The project that the starting rating was carried over from; whoever may not read that does not see it.
    starting_from = models.ForeignKey(Project, null=True, on_delete=models.PROTECT, related_name="+")
    tested = models.DateTimeField(null=True)  # when the qualification test was over
    test_score = unit(null=True)
    admitted = models.BooleanField(default=False)  # by an admin, whatever the test says
    paused = models.DateTimeField(null=True)  # on suspicion: no further offers until an admin decides
    excused = models.DateTimeField(null=True)  # answers before are not held against the worker
    joined = models.DateTimeField(auto_now_add=True)
    left = models.DateTimeField(null=True)  # no member since; what was said and earned stays
    removed = models.BooleanField(default=False)  # by others: no invitation gives the role back

    objects = MemberQuerySet.as_manager()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["user", "project", "role"], name="a user has a role in a project once"),
            between("rating", 0, 1, "a rating is between 0 and 1"),
            between("starting_rating", 0, 1, "a starting rating is between 0 and 1"),
            between("test_score", 0, 1, "a test score is between 0 and 1"),
            CheckConstraint(condition=Q(agreed__lte=F("judged")), name="a worker agrees on what was judged"),
            CheckConstraint(condition=Q(removed=False) | Q(left__isnull=False), name="who was removed has left"),
        ]

    def __str__(self):
        return f"{self.user} as {self.role}"

    @cached_property
    def ratings(self) -> dict[str, float]:
        """{kind: rating} of the kinds of queries that were answered, read once."""
        return dict(self.reliabilities.values_list("kind", "rating"))

    def rating_in(self, kind: str) -> float:
        """In this kind of query, or over all while none was answered."""
        return self.ratings.get(kind, self.rating)


class Suspicion(models.Model):
    """What speaks against a worker, with the figures behind it; for an admin to judge."""

    class Reason(models.TextChoices):
        FAST = "fast", "Too fast"
        GUESSING = "guessing", "No better than chance"
        COPYING = "copying", "Same errors as another"

    worker = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="suspicions")
    reason = models.CharField(max_length=10, choices=Reason)
    odds = models.FloatField()  # logarithm to base 10 of the e-value against an honest worker
    figures = models.JSONField(default=dict)  # what the sentence is made of
    raised = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["worker", "reason"], name="a worker is suspected of a thing once")]

    def __str__(self):
        return f"{self.worker}: {self.get_reason_display()}"


class Category(models.Model):
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="categories")
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=500, blank=True)
    column = models.PositiveIntegerField()
    created = models.DateTimeField(default=timezone.now, editable=False)  # unknown, not "no", in what was said before

    class Meta:
        ordering = ["column"]
        verbose_name_plural = "categories"
        constraints = [
            UniqueConstraint(fields=["project", "name"], name="a category name is used once in a project"),
            UniqueConstraint(fields=["project", "column"], name="a category has a column of its own"),
        ]

    def __str__(self):
        return self.name
