"""What belongs to a person, not to a project: where one works, coming in by invitation, balances, the password."""

import uuid

from django import forms
from django.contrib import messages
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, UserCreationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from labeling import opening, waiting
from labeling.access import READS
from labeling.guarding import Guarded
from labeling.models import Member, Project
from labeling.views.gates import by, signed_in
from rewards import ledger

ENTRIES = 50  # of a statement on one page


@signed_in
@by("GET")
def home(request):
    balances = {budget.pk: balance for budget, balance in ledger.balances(request.user)}
    context = {"working": working(request.user, balances), "running": running(request.user)}
    return render(request, "labeling/home.html", context)


def working(user, balances) -> list[dict]:
    """Where this user works: what waits there, how much was answered and what was earned."""
    return [
        {"waiting": one, "project": one.project, "answered": one.worker.answers,
         "balance": balances.get(one.project.budget_id, 0)}
        for one in waiting.of(user, timezone.now())
    ]  # fmt: skip


def running(user) -> list[dict]:
    """Projects this user may look into, with the roles there; a superuser looks into all."""
    projects = Project.objects.all() if user.is_superuser else Project.objects.of(user, *READS)
    roles = {}
    for member in Member.objects.present().filter(user=user, role__in=READS):
        roles.setdefault(member.project_id, []).append(member.get_role_display())
    return [
        {"project": project, "roles": ", ".join(roles.get(project.pk, ["Superuser"]))}
        for project in projects.order_by("state", "name")
    ]


def sent(request):
    """What a form is bound to: an empty POST is an answer too, and lacks everything."""
    return request.POST if request.method == "POST" else None


# --- coming in -------------------------------------------------------------------------------------------------------


class SignInForm(Guarded, AuthenticationForm):
    """A name and a password, tried so often and no more."""


sign_in = LoginView.as_view(template_name="labeling/sign_in.html", authentication_form=SignInForm)


@by("GET", "POST")
def join(request, token):
    try:
        project, role = opening.invited(token)
    except opening.Refused as refusal:
        return render(request, "labeling/uninvited.html", {"sentence": str(refusal)}, status=404)
    visitor = not request.user.is_authenticated
    form = UserCreationForm(sent(request)) if visitor else None
    if request.method == "POST" and (user := new_user(form) if visitor else request.user):
        if visitor:
            login(request, user)
        try:
            member = opening.accept(user, project, role)
        except opening.Refused as refusal:
            return render(request, "labeling/uninvited.html", {"sentence": str(refusal)}, status=403)
        messages.success(request, f"You are a {member.get_role_display().lower()} of {project.name} now.")
        return redirect("work" if role == Member.Role.WORKER else "project", project.slug)
    context = {"project": project, "role": Member.Role(role).label.lower(), "form": form, "token": token}
    return render(request, "labeling/join.html", context, status=422 if request.method == "POST" else 200)


def new_user(form: UserCreationForm) -> User | None:
    """The account a visitor makes, or None with the reasons in the form."""
    if not form.is_valid():
        return None
    try:
        with transaction.atomic():
            return form.save()
    except IntegrityError:  # somebody took the name between the check and here
        form.add_error("username", "A user with that username already exists.")
        return None


# --- money -----------------------------------------------------------------------------------------------------------


class PayOutForm(forms.Form):
    """An amount to be paid out. `key` names this one payout, so that a second click moves nothing."""

    amount = forms.IntegerField(
        min_value=1,
        label="Amount to pay out",
        help_text="It leaves your balance here; whoever runs the project pays it to you.",
        error_messages={"required": "Enter how much to pay out."},
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def clean_key(self) -> str:
        return str(self.cleaned_data["key"])


@signed_in
@by("GET")
def account(request):
    return statement(request, request.GET.get("budget"))


def statement(request, chosen: str | None, form: PayOutForm | None = None, status: int = 200):
    """Balances per project, and the entries of the chosen one: of the only one, if there is one."""
    balances = ledger.balances(request.user)
    one = next((row for row in balances if str(row[0].pk) == chosen or (len(balances) == 1 and not chosen)), None)
    if chosen and not one:
        raise Http404("You have no balance there.")
    context = {"balances": balances}
    if one:
        budget, balance = one
        entries = Paginator(ledger.statement(request.user, budget).select_related("resolves"), ENTRIES)
        context |= {
            "budget": budget,
            "balance": balance,
            "page": entries.get_page(request.GET.get("page")),
            "form": form or PayOutForm(initial={"amount": balance, "key": uuid.uuid4()}),
        }
    return render(request, "labeling/account.html", context, status=status)


@signed_in
@by("POST")
def pay_out(request):
    form = PayOutForm(request.POST)
    budgets = {str(budget.pk): budget for budget, _ in ledger.balances(request.user)}
    budget = budgets.get(request.POST.get("budget", ""))
    if budget is None:
        raise Http404("You have no balance there.")
    if form.is_valid():
        amount, key = form.cleaned_data["amount"], f"payout {request.user.pk} {form.cleaned_data['key']}"
        try:
            ledger.pay_out(request.user, budget, amount, key=key)
        except ledger.LedgerRefusal as refusal:
            form.add_error("amount", str(refusal))
        else:
            messages.success(request, "It is paid out. The statement below shows it.")
            return redirect(f"{reverse('account')}?budget={budget.pk}")
    return statement(request, str(budget.pk), form, status=422)


@signed_in
@by("GET", "POST")
def password(request):
    form = PasswordChangeForm(request.user, sent(request))
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())  # other sessions end here, this one stays
        messages.success(request, "Your password is changed. You are signed out everywhere else.")
        return redirect("account")
    return render(request, "labeling/password.html", {"form": form}, status=422 if form.errors else 200)
