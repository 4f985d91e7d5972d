"""Who: signing in, oneself, and the members of a project."""

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework import serializers
from rest_framework.authtoken.models import Token
from rest_framework.exceptions import Throttled
from rest_framework.response import Response

from labeling import guarding, leaving, opening
from labeling.access import GIVES, RUNS, TAKES, Role, among
from labeling.api.bodies import Text, read
from labeling.api.doors import described, get, post
from labeling.api.finding import project_for
from labeling.api.idempotency import idempotent
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.api.refusals import Refusal
from labeling.models import Member
from rewards import ledger

# --- signing in ------------------------------------------------------------------------------------------------------


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
    try:
        places = guarding.attempt(given["username"], guarding.address_of(request))
    except guarding.TooMany as refusal:
        raise Throttled(refusal.seconds) from None
    user = authenticate(request, **given)
    if user is None:
        raise Refusal(400, "wrong_password", "No active user has this name and password.")
    guarding.succeeded(places)
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
    memberships = request.user.memberships.present().select_related("project").order_by("pk")
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
        fields = ["id", "username", "role", "joined"]


@get(page_of(MemberSerializer), parameters=PARAMETERS)
def members(request, project):
    """The members of a project and their roles."""
    project = project_for(request.user, project, RUNS)
    return page(request, project.members.present().select_related("user"), MemberSerializer)


def hold(rights, user, project, role: str) -> None:
    """Refuse whoever may not give (or take) this role."""
    if role not in among(rights, user, project):
        raise Refusal(403, "not_in_your_role", f"Only an owner gives, changes or takes away the role {role}.", "role")


@post({201: MemberSerializer, 200: MemberSerializer}, NewMemberSerializer)
@idempotent
def add_member(request, project):
    """Give somebody a role in a project.

    200 if they have it already. Owners and admins may do this; only an owner makes another owner."""
    project = project_for(request.user, project, RUNS)
    given = read(request, NewMemberSerializer)
    hold(GIVES, request.user, project, given["role"])
    user = User.objects.filter(username=given["username"], is_active=True).first()
    if user is None:
        raise Refusal(400, "unknown_user", f"There is no user “{given['username']}” to add.", "username")
    there = project.members.present().filter(user=user, role=given["role"]).exists()
    member = opening.join(user, project, given["role"])
    return Response(MemberSerializer(member).data, 200 if there else 201)


class RoleSerializer(serializers.Serializer):
    role = serializers.ChoiceField(Role.choices)


def member_to_take(user, project, member: int) -> Member:
    """A member whose role this user may take away."""
    project = project_for(user, project, RUNS)
    found = project.members.present().select_related("user").filter(pk=member).first()
    if found is None:
        raise Refusal(404, "not_found", f"The project has no member {member}.")
    found.project = project
    hold(TAKES, user, project, found.role)
    return found


@described(MemberSerializer, body=RoleSerializer)
def change_role(request, project, member):
    """Give a member another role in place of this one.

    What was said and earned in it stays. An admin changes the roles of workers and researchers, an owner all."""
    found, given = member_to_take(request.user, project, member), read(request, RoleSerializer)
    hold(GIVES, request.user, found.project, given["role"])
    return Response(MemberSerializer(leaving.change_role(found, given["role"], timezone.now())).data)


@described({204: None})
def remove(request, project, member):
    """Take a role from a member.

    What was said and earned in it stays; offers that are held go to others. The last owner stays."""
    leaving.remove(member_to_take(request.user, project, member), timezone.now())
    return Response(status=204)


@post({204: None})
@idempotent(repeatable=True)
def leave(request, project):
    """Leave a project: every role of yours in it ends. What you have earned stays yours."""
    leaving.leave(request.user, project_for(request.user, project), timezone.now())
    return Response(status=204)
