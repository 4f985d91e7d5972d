"""Prices: what a change of them would come to, what an hour of work has earned, how a query's price comes about."""

from copy import copy

from rest_framework import serializers
from rest_framework.response import Response

from labeling import costing, earning, quoting
from labeling.access import READS, RUNS
from labeling.api.bodies import Whole, asked, read
from labeling.api.doors import get, post
from labeling.api.finding import project_for
from labeling.api.idempotency import idempotent
from labeling.api.projects import BudgetSerializer, SettingsSerializer, budget_of, check
from labeling.api.refusals import Refusal
from labeling.kinds import KINDS
from labeling.models import Project
from rewards import ledger
from rewards.models import MOST


class PricesSerializer(SettingsSerializer):
    """The settings that make the price list; what is not named is as it is."""

    class Meta:
        model = Project
        fields = [
            "price_by", "cell_price", "hourly_rate", "price_floor", "price_ceiling", "hourly_floor", "equal_pay",
            "least_told", "factors",
        ]  # fmt: skip

    classifier = None


class LineSerializer(serializers.Serializer):
    """Of one kind of query, or of all; amounts in the smallest unit of the currency."""

    queries = serializers.IntegerField(help_text="Open ones.")
    queue = serializers.IntegerField(help_text="What they still cost, until as many have answered as must agree.")
    round = serializers.IntegerField(allow_null=True, help_text="What as many queries as the queue holds cost.")
    answer = serializers.FloatField(allow_null=True, help_text="The mean price of an answer.")
    hourly = serializers.IntegerField(allow_null=True, help_text="What an hour of such answers earns.")
    raised = serializers.FloatField(help_text="The share of prices that the hourly floor raised.")


class BillSerializer(serializers.Serializer):
    kinds = serializers.DictField(child=LineSerializer(), help_text="By kind.")
    overall = LineSerializer()
    buys = serializers.IntegerField(allow_null=True, help_text="Answers that what may still be offered pays for.")


class EffectSerializer(serializers.Serializer):
    """The same queries by the prices that hold, and by those of the request. Nothing is saved."""

    imagined = serializers.BooleanField(help_text="No query was chosen yet: a round of one of each kind is priced.")
    before = BillSerializer()
    after = BillSerializer()


def billed(bill: costing.Bill) -> dict:
    return {"kinds": dict(zip(KINDS, bill.lines, strict=True)), "overall": bill.overall, "buys": bill.buys}


@post(EffectSerializer, PricesSerializer)
@idempotent(repeatable=True)
def effect(request, project):
    """What a change of prices would come to, before it is saved."""
    project = project_for(request.user, project, READS)
    wanted = copy(project)
    form = PricesSerializer(wanted, data=request.data, partial=True)
    form.is_valid(raise_exception=True)
    if unknown := set(request.data) - set(form.fields):
        raise Refusal(400, "unknown_setting", f"There is no price {min(unknown)[:80]!r}.", min(unknown)[:80])
    for name, value in form.validated_data.items():
        setattr(wanted, name, value)
    check(wanted)
    sample = costing.sample(project)
    bills = {"before": billed(costing.bill(project, sample)), "after": billed(costing.bill(wanted, sample))}
    return Response(EffectSerializer({"imagined": sample.imagined} | bills).data)


class EarnedSerializer(serializers.Serializer):
    answers = serializers.IntegerField()
    seconds = serializers.FloatField(help_text="Of work: from offer to answer, pauses left out.")
    paid = serializers.IntegerField(help_text="As the ledger posted it, with corrections.")
    hourly = serializers.IntegerField(allow_null=True)


class WorkerEarnedSerializer(EarnedSerializer):
    worker = serializers.IntegerField()
    username = serializers.CharField()


class EarningsSerializer(serializers.Serializer):
    """Of the latest answers. By kind and overall without those paused or too fast; by worker of everybody."""

    kinds = serializers.DictField(child=EarnedSerializer())
    overall = EarnedSerializer()
    workers = WorkerEarnedSerializer(many=True)


@get(EarningsSerializer)
def earnings(request, project):
    """What workers earned for an hour of their work: by kind of query and by worker."""
    found = earning.earnings(project_for(request.user, project, READS))
    rows = [
        dict(worker=worker.pk, username=worker.user.get_username(), hourly=earned.hourly, **earned._asdict())
        for worker, earned in found.workers
    ]
    return Response(EarningsSerializer({"kinds": found.kinds, "overall": found.overall, "workers": rows}).data)


class FactorSerializer(serializers.Serializer):
    name = serializers.CharField()
    fact = serializers.FloatField(allow_null=True, help_text="What was known; null changes no price.")
    strength = serializers.FloatField()
    multiplier = serializers.FloatField()
    product = serializers.FloatField(help_text="So far.")


class ExplanationSerializer(serializers.Serializer):
    """reward = the base times the factors, rounded and within the bounds."""

    source = serializers.CharField(help_text="Where the base comes from, in words.")
    base = serializers.FloatField()
    factors = FactorSerializer(many=True, source="rows")
    exact = serializers.FloatField()
    clamped = serializers.CharField(allow_null=True, help_text="The bound that set the price, if one did.")
    price = serializers.IntegerField()


class ForWhomSerializer(serializers.Serializer):
    worker = serializers.IntegerField(required=False, help_text="For this worker; else for the median worker.")


@get(ExplanationSerializer, parameters=[ForWhomSerializer])
def price(request, project, query):
    """How the price of any query comes about."""
    project = project_for(request.user, project, READS)
    found = project.queries.filter(pk=query).first()
    if found is None:
        raise Refusal(404, "not_found", f"The project has no query {query}.")
    found.project, key = project, asked(request, ForWhomSerializer).get("worker")
    worker = project.members.workers().filter(pk=key).first() if key is not None else None
    if key is not None and worker is None:
        raise Refusal(404, "not_found", f"The project has no worker {key}.", "worker")
    told = quoting.explain(found, worker.rating_in(found.kind) if worker else None)
    return Response(ExplanationSerializer(told).data)


class LimitSerializer(serializers.Serializer):
    amount = Whole(min_value=0, max_value=MOST, allow_null=True, help_text="Of the smallest unit; null for no limit.")


@post(BudgetSerializer, LimitSerializer)
@idempotent(repeatable=True)
def limit_days(request, project):
    """Spend at most so much a day, which ends at midnight in the site's time zone."""
    project = project_for(request.user, project, RUNS)
    ledger.limit_days(project.budget, read(request, LimitSerializer)["amount"])
    return Response(budget_of(project))
