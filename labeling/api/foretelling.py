"""What more money will buy: the last run's forecast, and what came of earlier ones."""

from rest_framework import serializers
from rest_framework.response import Response

from labeling import forecasting
from labeling.access import READS
from labeling.api.bodies import asked
from labeling.api.doors import get
from labeling.api.finding import project_for
from rewards.models import MOST


class SpanSerializer(serializers.Serializer):
    """A figure with its 80% interval."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class NeededSerializer(serializers.Serializer):
    """Money spent in all, with its 80% interval; an end that cannot be foreseen is null."""

    value = serializers.IntegerField(allow_null=True)
    low = serializers.IntegerField(allow_null=True)
    high = serializers.IntegerField(allow_null=True)


class PointSerializer(SpanSerializer):
    spent = serializers.IntegerField()


class PastSerializer(serializers.Serializer):
    """What an earlier run foretold of the accuracy at what was spent when the last run was made, and what came."""

    run = serializers.IntegerField()
    spent = serializers.IntegerField(help_text="When it was foretold.")
    foretold = SpanSerializer()
    came = serializers.FloatField(help_text="The accuracy measured, which has an error of its own.")
    held = serializers.BooleanField(help_text="Whether it came within the interval.")


class ForecastSerializer(serializers.Serializer):
    missing = serializers.CharField(help_text="Why there is no forecast, if there is none.")
    run = serializers.IntegerField(allow_null=True, help_text="The run that it was made with.")
    spent = serializers.IntegerField(allow_null=True, help_text="When that run read the answers.")
    now = SpanSerializer(allow_null=True, help_text="The accuracy on the exam.")
    budget = serializers.IntegerField(help_text="Spent in all: what was asked about, else all that may be spent.")
    at_end = SpanSerializer(allow_null=True, help_text="The accuracy then; null if that is spent, or too far to see.")
    aim = serializers.FloatField(help_text="An accuracy: what was asked about, else the project's aim.")
    needed = NeededSerializer(allow_null=True, help_text="What it takes, if it can be reached; null if it is reached.")
    fan = PointSerializer(many=True, help_text="The accuracy by what is spent in all.")
    past = PastSerializer(many=True)


class WhichSerializer(serializers.Serializer):
    budget = serializers.IntegerField(required=False, min_value=1, max_value=MOST, help_text="Spent in all.")
    aim = serializers.FloatField(required=False, min_value=0.01, max_value=0.995, help_text="An accuracy.")


@get(ForecastSerializer, parameters=[WhichSerializer])
def forecast(request, project):
    """How right the classifier will be when the budget is spent, and what an accuracy takes, with 80% intervals."""
    project, which = project_for(request.user, project, READS), asked(request, WhichSerializer)
    outlook = forecasting.outlook(project, which.get("budget"), which.get("aim"))
    made = outlook.forecast
    told = {
        "missing": outlook.missing, "budget": outlook.budget, "aim": outlook.goal, "past": outlook.past,
        "run": made and made.run.number, "spent": made and made.spent, "now": made,
        "at_end": outlook.at_end, "needed": outlook.needed,
        "fan": [dict(zip(("spent", "value", "low", "high"), row, strict=True)) for row in (made.fan if made else ())],
    }  # fmt: skip
    return Response(ForecastSerializer(told).data)
