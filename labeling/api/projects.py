"""Projects: opening one, its figures, its settings and its budget."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from labeling import classifying, opening, qualifying, quoting, selecting
from labeling.access import READS, RUNS
from labeling.api.bodies import Flag, Number, Text, Whole, read
from labeling.api.doors import described, get, post
from labeling.api.finding import project_for
from labeling.api.idempotency import idempotent
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.api.refusals import Refusal
from labeling.models import Category, Consensus, Media, Project
from rewards import ledger
from rewards.models import MOST

NAME = Category._meta.get_field("name").max_length


# --- how a project reads ---------------------------------------------------------------------------------------------


class DaySerializer(serializers.Serializer):
    """What was offered on the day and not given back, answered or not."""

    date = serializers.DateField(help_text="In the site's time zone.")
    spent = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True, help_text="No more is offered in a day; null for no limit.")


class BudgetSerializer(serializers.Serializer):
    """funded = available + reserved + spent, in the smallest unit of the currency."""

    currency = serializers.CharField()
    funded = serializers.IntegerField()
    available = serializers.IntegerField()
    reserved = serializers.IntegerField()
    spent = serializers.IntegerField()
    today = DaySerializer()


class CountsSerializer(serializers.Serializer):
    items = serializers.IntegerField(help_text="Without those withdrawn.")
    agreed_items = serializers.IntegerField()
    unclassified = serializers.IntegerField(
        help_text="Items that came after the published run and are not classified by it yet."
    )
    open_queries = serializers.IntegerField()
    workers = serializers.IntegerField()


class PublishedSerializer(serializers.Serializer):
    """The run whose classifier chooses the queries, and its figures."""

    number = serializers.IntegerField()
    finished = serializers.DateTimeField()
    metrics = serializers.DictField()


class StrictSettings(serializers.ModelSerializer):
    """A model's fields, each taking a value only for what it is."""

    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.PositiveIntegerField: Whole,
        models.FloatField: Number,
        models.CharField: Text,
        models.TextField: Text,
        models.BooleanField: Flag,
    }


class SettingsSerializer(StrictSettings):
    classifier = serializers.ChoiceField([(name, title) for name, (title, _) in settings.CLASSIFIERS.items()])
    factors = serializers.DictField(child=Number(), help_text="Name of a price factor: its strength, 0 off to 1 full.")

    class Meta:
        model = Project
        fields = [
            "name", "instructions", "state", "agree_by", "agree_count", "agree_share", "agree_posterior",
            "wanted", "policy", "item_worth", "queue_size", "ahead", "lease_seconds",
            "exam_share", "gold_share", "certain", "hard", "grid",
            "test_length", "test_pass", "on_fast", "on_guessing", "on_copying", "watch_level", "classifier",
            "retrain_when", "retrain_every", "retrain_hours", "train_on", "training_set",
            "target_confidence", "target_decided", "target_spent", "aim",
            "accept_share", "accept_confidence", "audit_lead", "price_by", "cell_price",
            "hourly_rate", "price_floor", "price_ceiling", "hourly_floor", "equal_pay", "least_told", "factors",
        ]  # fmt: skip


class ProjectSerializer(serializers.Serializer):
    """A project as its members see it."""

    id = serializers.CharField(source="slug")
    name = serializers.CharField()
    media = serializers.ChoiceField(Media.choices)
    exclusive = serializers.BooleanField(help_text="Every item belongs to exactly one category.")
    state = serializers.ChoiceField(Project.State.choices)
    currency = serializers.CharField(source="budget.currency")


class DetailSerializer(ProjectSerializer):
    """What only those who run or study it see is left out for workers."""

    instructions = serializers.CharField()
    categories = serializers.ListField(child=serializers.CharField())
    roles = serializers.ListField(child=serializers.CharField(), help_text="Yours.")
    budget = BudgetSerializer(required=False)
    counts = CountsSerializer(required=False)
    published = PublishedSerializer(required=False, allow_null=True)
    settings = SettingsSerializer(required=False)


def detailed(user, project: Project) -> dict:
    roles = list(project.members.present().filter(user=user).order_by("pk").values_list("role", flat=True))
    said = ProjectSerializer(project).data | {
        "instructions": project.instructions,
        "categories": list(project.categories.values_list("name", flat=True)),
        "roles": roles,
    }
    return said | figures(project) if user.is_superuser or set(roles) & set(READS) else said


def figures(project: Project) -> dict:
    counts = {
        "items": project.items.present().count(),
        "agreed_items": Consensus.objects.agreed().filter(project=project).values("item").distinct().count(),
        "unclassified": newcomers.count if (newcomers := classifying.newcomers(project)) else 0,
        "open_queries": project.queries.open().count(),
        "workers": project.members.workers().present().count(),
    }
    return {
        "budget": budget_of(project),
        "counts": counts,
        "published": project.published and PublishedSerializer(project.published).data,
        "settings": SettingsSerializer(project).data,
    }


def budget_of(project: Project) -> dict:
    figures = project.budget.figures()
    today = project.budget.spent_on(timezone.localdate())._asdict()
    return {"currency": project.budget.currency, "spent": figures.spent, "today": today} | figures._asdict()


# --- doors -----------------------------------------------------------------------------------------------------------


@get(page_of(ProjectSerializer), parameters=PARAMETERS)
def projects(request):
    """The projects you have a role in."""
    return page(request, Project.objects.of(request.user).select_related("budget"), ProjectSerializer)


class NewProjectSerializer(StrictSettings):
    name = Text(max_length=120)
    instructions = Text(max_length=20_000, allow_blank=True, default="")
    exclusive = Flag(default=True, help_text="Every item belongs to exactly one category.")
    categories = serializers.ListField(
        child=Text(max_length=NAME), max_length=1000, help_text="Names, in the order shown."
    )
    currency = Text(
        max_length=20, default="points", help_text="The name of the smallest unit that rewards are counted in."
    )

    class Meta:
        model = Project
        fields = ["name", "instructions", "media", "exclusive", "categories", "currency"]


@post({201: DetailSerializer}, NewProjectSerializer)
@idempotent
def open_project(request):
    """Open a project; you are its owner."""
    given = read(request, NewProjectSerializer)
    project = opening.open_project(request.user, **given)
    return Response(detailed(request.user, project), 201)


@get(DetailSerializer)
def project(request, project):
    """A project: instructions and categories; for those who run or study it figures and settings too."""
    return Response(detailed(request.user, project_for(request.user, project)))


@described(DetailSerializer, body=SettingsSerializer)
def change_project(request, project):
    """Change settings; what is not named stays."""
    project = project_for(request.user, project, RUNS)
    form = SettingsSerializer(project, data=request.data, partial=True)
    form.is_valid(raise_exception=True)
    if unknown := set(request.data) - set(form.fields):
        raise Refusal(400, "unknown_setting", f"There is no setting {min(unknown)[:80]!r}.", min(unknown)[:80])
    for name, value in form.validated_data.items():
        setattr(project, name, value)
    check(project)
    project.save(update_fields=list(form.validated_data))
    selecting.look_again(project, timezone.now())
    return Response(detailed(request.user, project))


def check(project: Project) -> None:
    """Settings that do not fit together are refused by the sentence they break."""
    try:
        project.clean()
        qualifying.check_length(project)
        project.validate_constraints()
        quoting.tariff(project)
    except ValidationError as error:
        raise Refusal(400, "refused", " ".join(error.messages)) from None
    except ValueError as error:
        raise Refusal(400, "refused", f"These prices cannot be: {error}.", "factors") from None


class AmountSerializer(serializers.Serializer):
    amount = Whole(min_value=1, max_value=MOST, help_text="In the smallest unit of the currency.")


@post({201: BudgetSerializer}, AmountSerializer)
@idempotent
def fund(request, project):
    """Add to a project's budget."""
    project = project_for(request.user, project, RUNS)
    opening.fund(project, read(request, AmountSerializer)["amount"], timezone.now())
    return Response(budget_of(project), 201)


class NewPayoutSerializer(AmountSerializer):
    project = Text(max_length=80)


class PayoutSerializer(serializers.Serializer):
    project = serializers.CharField()
    currency = serializers.CharField()
    amount = serializers.IntegerField()
    balance = serializers.IntegerField(help_text="What is left.")


def earned_in(user, slug: str) -> Project:
    """A project in which the user has earned something, also after leaving it; or takes part."""
    budgets = [budget.pk for budget, _ in ledger.balances(user)]
    return Project.objects.filter(slug=slug, budget__in=budgets).first() or project_for(user, slug)


@post({201: PayoutSerializer}, NewPayoutSerializer)
@idempotent
def pay_out(request):
    """Redeem what you have earned in a project: it is paid out and leaves your balance."""
    given = read(request, NewPayoutSerializer)
    project = earned_in(request.user, given["project"])
    ledger.pay_out(request.user, project.budget, given["amount"])
    left = ledger.balance(request.user, project.budget)
    return Response(given | {"currency": project.budget.currency, "balance": left}, 201)
