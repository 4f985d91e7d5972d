"""The workers of a project: how reliable each is, what speaks against one, and what an admin decides."""

from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from labeling import qualifying, renewing, sharing, watching
from labeling.access import READS, RUNS
from labeling.api.bodies import Flag, Number, Text, Whole, read
from labeling.api.doors import described, get, post
from labeling.api.finding import project_for
from labeling.api.idempotency import idempotent
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.api.refusals import Refusal
from labeling.models import Member, Reliability, Suspicion


class SuspicionSerializer(serializers.ModelSerializer):
    """What speaks against a worker."""

    sentence = serializers.SerializerMethodField(help_text="For an admin to judge.")
    rarity = serializers.SerializerMethodField(help_text="An honest worker looks like this at most once in so many.")
    figures = serializers.DictField(help_text="What the sentence is made of.")

    class Meta:
        model = Suspicion
        fields = ["reason", "sentence", "rarity", "figures", "raised"]

    def get_sentence(self, one) -> str:
        return watching.sentence(one)

    def get_rarity(self, one) -> int:
        return watching.rarity(one)


class ReliabilitySerializer(serializers.ModelSerializer):
    """How often a worker is right in one kind of query."""

    rating = serializers.FloatField(help_text="Probability of a right answer.")
    error = serializers.FloatField(help_text="Standard error of the rating.")
    copies = serializers.FloatField(help_text="Share of the answers that seem to repeat what others had said.")

    class Meta:
        model = Reliability
        fields = ["kind", "rating", "error", "judged", "copies"]


class WorkerSerializer(serializers.ModelSerializer):
    """A rating that was carried over from a project that you may not read is null until answers here speak for
    themselves."""

    username = serializers.CharField(source="user.username")
    rating = serializers.FloatField(allow_null=True, help_text="Estimated reliability, 0 to 1.")
    starting_rating = serializers.FloatField(allow_null=True, help_text="The rating before any answer.")
    judged = serializers.IntegerField(help_text="Judgments on cells that are agreed.")
    agreed = serializers.IntegerField(help_text="Those that side with the consensus.")
    paused = serializers.DateTimeField(
        allow_null=True, help_text="Since when, on suspicion: offered nothing. Null if not."
    )
    suspicions = SuspicionSerializer(many=True)
    reliabilities = ReliabilitySerializer(many=True, help_text="By kind of query.")
    tested = serializers.DateTimeField(
        allow_null=True, help_text="When the qualification test was over; null if it was not taken."
    )
    test_score = serializers.FloatField(allow_null=True, help_text="How much of it was right, 0 to 1.")
    admitted = serializers.BooleanField(help_text="Let in by an admin, whatever the test says.")

    class Meta:
        model = Member
        fields = [
            "id", "username", "rating", "reliabilities", "judged", "agreed", "set_aside", "paused", "suspicions",
            "tested", "test_score", "admitted", "qualifications", "experience", "starting_rating",
            "starting_answers", "joined",
        ]  # fmt: skip

    def to_representation(self, worker: Member) -> dict:
        shown = super().to_representation(worker)
        if sharing.hides(self.context["user"], worker):
            shown |= {"rating": None, "starting_rating": None, "reliabilities": []}
        return shown


def said(request, worker: Member) -> Response:
    return Response(WorkerSerializer(worker, context={"user": request.user}).data)


def worker_in(project, worker: int) -> Member:
    found = project.members.workers().select_related("user").filter(pk=worker).first()
    if found is None:
        raise Refusal(404, "not_found", f"The project has no worker {worker}.")
    found.project = project
    return found


@get(page_of(WorkerSerializer), parameters=PARAMETERS)
def workers(request, project):
    """The workers of a project: how reliable each is, and what speaks against one."""
    project = project_for(request.user, project, READS)
    rows = (
        project.members.workers()
        .select_related("user", "starting_from")
        .prefetch_related("suspicions", "reliabilities")
    )
    return page(request, rows, WorkerSerializer, user=request.user)


class SharingSerializer(serializers.Serializer):
    project = Text(help_text="Whose workers; you are its owner or admin.")
    workers = serializers.ListField(
        child=Text(max_length=150), required=False, max_length=10_000, help_text="Their names; left out: all of them."
    )
    carry = Flag(default=True, help_text="Begin with the rating that each has there.")


class SharedSerializer(serializers.Serializer):
    invited = serializers.ListField(child=serializers.CharField(), help_text="Who works here now and did not before.")


@post(SharedSerializer, SharingSerializer)
@idempotent
def invite_workers(request, project):
    """Invite workers of another project that you run.

    Those in good standing there who never were workers here; who is neither is passed over."""
    project = project_for(request.user, project, RUNS)
    given = read(request, SharingSerializer)
    source = sharing.sources(request.user, project).filter(slug=given["project"]).first()
    if source is None:
        raise Refusal(400, "unknown_project", f"You run no other project “{given['project']}” with workers.", "project")
    chosen = sharing.candidates(source, project)
    if "workers" in given:
        chosen = chosen.filter(user__username__in=given["workers"])
    chosen = list(chosen)
    sharing.invite(project, chosen, carry=given["carry"])
    return Response({"invited": [worker.user.username for worker in chosen]})


class FoundSerializer(serializers.Serializer):
    found = serializers.IntegerField(help_text="How many suspicions stand; they are with the workers.")


@post(FoundSerializer)
@idempotent(repeatable=True)
def watch(request, project):
    """Look at the latest answers now, rather than within the minute: who is too fast, guesses or copies?"""
    project = project_for(request.user, project, RUNS)
    return Response({"found": len(watching.look(project, timezone.now()))})


class SetAsideSerializer(serializers.Serializer):
    set_aside = Flag(default=True)


@post(WorkerSerializer, SetAsideSerializer)
@idempotent(repeatable=True)
def set_aside(request, project, worker):
    """Leave a worker's judgments out of consensus, or take them in again.

    Consensus is made anew from the others, where there is much of it within a minute; money is untouched. A worker set
    aside is asked no more."""
    project = project_for(request.user, project, RUNS)
    given = read(request, SetAsideSerializer)
    member = worker_in(project, worker)
    renewing.set_aside(member, given["set_aside"], now=timezone.now())
    member.refresh_from_db()
    return said(request, member)


@post(WorkerSerializer)
@idempotent(repeatable=True)
def let_go_on(request, project, worker):
    """Let a worker go on who is paused or under suspicion.

    What was answered until now is not held against the worker again."""
    member = worker_in(project_for(request.user, project, RUNS), worker)
    watching.let_go_on(member, timezone.now())
    member.refresh_from_db()
    return said(request, member)


class BeginningsSerializer(serializers.Serializer):
    """What is known of a worker beforehand; what is not named stays."""

    qualifications = Text(max_length=1000, allow_blank=True, required=False)
    experience = Text(max_length=1000, allow_blank=True, required=False)
    starting_rating = Number(min_value=0, max_value=1, required=False, help_text="The rating before any answer.")
    starting_answers = Whole(min_value=1, max_value=1000, required=False, help_text="It weighs as much as so many.")
    admitted = Flag(required=False, help_text="Let in, whatever the qualification test says.")


@described(WorkerSerializer, body=BeginningsSerializer)
def change_worker(request, project, worker):
    """Record what is known of a worker beforehand: it sets the rating to begin with."""
    member = worker_in(project_for(request.user, project, RUNS), worker)
    qualifying.record(member, **read(request, BeginningsSerializer))
    return said(request, member)
