"""Who: signing in, oneself, and the members of a project."""

import hashlib

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.authtoken.models import Token
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle

from labeling import opening
from labeling.access import RUNS, Role
from labeling.api.bodies import Text, read
from labeling.api.doors import described, get, post
from labeling.api.finding import project_for
from labeling.api.idempotency import idempotent
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.api.refusals import Refusal
from labeling.models import Member
from rewards import ledger

# --- signing in ------------------------------------------------------------------------------------------------------


class GuessesAtOne(SimpleRateThrottle):
    """Guesses at one name, wherever they come from."""

    scope, rate = "guesses_at_one", "20/min"

    def get_cache_key(self, request, view):
        name = request.data.get("username") if isinstance(request.data, dict) else None
        return f"{self.scope}:{hashlib.sha256(repr(name).lower().encode()).hexdigest()}"


class GuessesByOne(SimpleRateThrottle):
    """Guesses by one machine, at whatever names. What a header says of the machine is not believed."""

    scope, rate = "guesses_by_one", "200/min"

    def get_cache_key(self, request, view):
        return f"{self.scope}:{request.META.get('REMOTE_ADDR')}"


class SignInSerializer(serializers.Serializer):
    username = Text(max_length=150)
    password = Text(max_length=1000, trim_whitespace=False)


class TokenSerializer(serializers.Serializer):
    token = serializers.CharField(help_text="Send it as `Authorization: Token ...`.")


@described(TokenSerializer, body=SignInSerializer)
def token(request):
    """Sign in.

    The token of this user, for the Authorization header of all other requests."""
    given = read(request, SignInSerializer)
    user = authenticate(request, **given)
    if user is None:
        raise Refusal(400, "wrong_password", "No active user has this name and password.")
    return Response({"token": Token.objects.get_or_create(user=user)[0].key})


# --- oneself ---------------------------------------------------------------------------------------------------------


class MembershipSerializer(serializers.ModelSerializer):
    project = serializers.SlugRelatedField("slug", read_only=True)
    rating = serializers.SerializerMethodField(help_text="Your estimated reliability, if you are a worker there.")

    class Meta:
        model = Member
        fields = ["project", "role", "rating"]

    def get_rating(self, member) -> float | None:
        return member.rating if member.role == Role.WORKER else None


class BalanceSerializer(serializers.Serializer):
    project = serializers.CharField(source="budget.project.slug")
    currency = serializers.CharField(source="budget.currency")
    balance = serializers.IntegerField(help_text="Earned and not paid out, in the smallest unit.")


class MeSerializer(serializers.Serializer):
    username = serializers.CharField()
    memberships = MembershipSerializer(many=True)
    balances = BalanceSerializer(many=True)


@get(MeSerializer)
def me(request):
    """Oneself: roles in projects, and balances."""
    memberships = request.user.memberships.select_related("project").order_by("pk")
    balances = [{"budget": budget, "balance": balance} for budget, balance in ledger.balances(request.user)]
    said = {"username": request.user.username, "memberships": memberships, "balances": balances}
    return Response(MeSerializer(said).data)


# --- members ---------------------------------------------------------------------------------------------------------


class NewMemberSerializer(serializers.Serializer):
    username = Text(max_length=150)
    role = serializers.ChoiceField(Role.choices)


class MemberSerializer(serializers.ModelSerializer):
    username = serializers.CharField(source="user.username")

    class Meta:
        model = Member
        fields = ["username", "role", "joined"]


@get(page_of(MemberSerializer), parameters=PARAMETERS)
def members(request, project):
    """The members of a project and their roles."""
    project = project_for(request.user, project, RUNS)
    return page(request, project.members.select_related("user"), MemberSerializer)


@post({201: MemberSerializer, 200: MemberSerializer}, NewMemberSerializer)
@idempotent
def add_member(request, project):
    """Give somebody a role in a project.

    200 if they have it already. Owners and admins may do this; only an owner makes another owner."""
    project = project_for(request.user, project, RUNS)
    given = read(request, NewMemberSerializer)
    if given["role"] == Role.OWNER:
        project_for(request.user, project.slug, [Role.OWNER])
    user = User.objects.filter(username=given["username"], is_active=True).first()
    if user is None:
        raise Refusal(400, "unknown_user", f"There is no user “{given['username']}” to add.", "username")
    there = project.members.filter(user=user, role=given["role"]).exists()
    member = opening.join(user, project, given["role"])
    return Response(MemberSerializer(member).data, 200 if there else 201)
