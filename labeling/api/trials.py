"""Try before you pay: policies side by side, with people made up, on the project's own items."""

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from labeling import trying
from labeling.access import READS, RUNS
from labeling.api.bodies import Text, Whole, read
from labeling.api.doors import described, get, post
from labeling.api.finding import project_for
from labeling.api.idempotency import idempotent
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.api.refusals import Refusal
from labeling.models import Trial
from labeling.simulating import Unplayable
from labeling.simulating.comparing import Row


class TrialSerializer(serializers.ModelSerializer):
    number = serializers.IntegerField(source="pk")
    policies = serializers.ListField(child=serializers.CharField())
    classifier = serializers.CharField(help_text="Of all policies that name none; empty: the project's own.")
    known = serializers.CharField(help_text="Where the truth of the items is from.")
    budget = serializers.IntegerField(help_text="The most that a play could spend, in the smallest unit.")

    class Meta:
        model = Trial
        fields = [
            "number", "state", "progress", "message", "policies", "crowd", "classifier", "seeds", "items",
            "played_items", "known", "budget", "requested", "started", "finished",
        ]  # fmt: skip


class NeedSerializer(serializers.Serializer):
    """What a policy needs to be so right: the geometric mean over the plays that got there, null if none did."""

    accuracy = serializers.FloatField()
    spend = serializers.FloatField(allow_null=True)
    reached = serializers.IntegerField(help_text="Plays that got there.")
    times = serializers.FloatField(allow_null=True, help_text="Times the money of the first policy, paired by crowd.")
    low = serializers.FloatField(allow_null=True, help_text="Of a 95% interval; null of fewer than two pairs.")
    high = serializers.FloatField(allow_null=True)


class PolicySerializer(serializers.Serializer):
    """Means over its plays; curve: [spend, accuracy, accuracy on unseen items, seconds] of each crowd."""

    name = serializers.CharField()
    title = serializers.CharField()
    plays = serializers.IntegerField()
    spend = serializers.FloatField()
    accuracy = serializers.FloatField()
    unseen = serializers.FloatField(allow_null=True)
    needs = NeedSerializer(many=True)
    curves = serializers.DictField(child=serializers.ListField())


class TrialFoundSerializer(TrialSerializer):
    found = serializers.SerializerMethodField(help_text="What it has come to so far, the first policy first.")

    class Meta(TrialSerializer.Meta):
        fields = [*TrialSerializer.Meta.fields, "found"]

    def get_found(self, trial) -> PolicySerializer(many=True):
        comparison = trying.comparison(trial)
        levels = comparison.levels()
        return [told(row, levels) | {"curves": comparison.curves.get(row.name, {})} for row in comparison.rows(levels)]


def told(row: Row, levels) -> dict:
    needs = [
        {"accuracy": level, "spend": need.money, "reached": need.reached, "times": ratio.value, "low": ratio.low,
         "high": ratio.high}
        for level, (need, ratio) in zip(levels, row.needs, strict=True)
    ]  # fmt: skip
    return {
        "name": row.name, "title": row.title, "plays": row.seeds, "spend": row.spend, "accuracy": row.accuracy,
        "unseen": row.unseen, "needs": needs,
    }  # fmt: skip


class WishSerializer(serializers.Serializer):
    policies = serializers.ListField(child=Text(max_length=200), min_length=1, max_length=trying.MOST)
    crowd = serializers.ChoiceField(Trial.Crowd.choices, default=Trial.Crowd.USUAL)
    classifier = serializers.ChoiceField(["", *settings.CLASSIFIERS], default=trying.QUICK)
    seeds = Whole(min_value=1, max_value=10, default=3)
    items = Whole(min_value=60, max_value=2_000, default=300)


@get(page_of(TrialSerializer), parameters=PARAMETERS)
def trials(request, project):
    """What was tried, newest first."""
    project = project_for(request.user, project, READS)
    return page(request, project.trials.defer("found"), TrialSerializer, newest_first=True)


@post({201: TrialSerializer}, body=WishSerializer)
@idempotent
def request_trial(request, project):
    """Try policies with people made up.

    It is played by the trials' cluster on a sample of the project's own items, in a database of its own: nobody is
    asked or paid. A policy is a name, or a name with settings, as `planner:wanted=5`.
    """
    project = project_for(request.user, project, RUNS)
    given = read(request, WishSerializer)
    try:
        found = trying.request(project, request.user, now=timezone.now(), **given)
    except Unplayable as sentence:
        raise Refusal(409, "unplayable", str(sentence)) from None
    return Response(TrialSerializer(found).data, 201)


@get(TrialFoundSerializer)
def trial(request, project, number):
    """One trial, and what it has come to so far."""
    return Response(TrialFoundSerializer(one(request, project, number, READS)).data)


@described({204: None})
def delete_trial(request, project, number):
    """Delete a trial; one that is not over ends."""
    trying.delete(one(request, project, number, RUNS))
    return Response(status=204)


def one(request, project, number: int, roles) -> Trial:
    found = project_for(request.user, project, roles).trials.filter(pk=number).first()
    if found is None:
        raise Refusal(404, "not_found", f"The project has no trial {number}.")
    return found
