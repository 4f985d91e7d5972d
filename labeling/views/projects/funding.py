"""The project's money: funding, withdrawing, and the entries that every figure is the sum of."""

from django.contrib import messages
from django.db.models import Case, F, Q, When
from django.shortcuts import redirect
from django.utils import timezone

from labeling import opening, selecting
from labeling.models import Assignment, Project
from labeling.views.forms import AmountForm, DailyLimitForm
from labeling.views.gates import by, signed_in
from labeling.views.projects import figures, spending
from labeling.views.projects.frame import changeable, number, page, readable
from rewards import ledger
from rewards.models import Account, Kind, Role

PAGE = 50
WORDS = {
    Kind.FUND: "Funded",
    Kind.WITHDRAW: "Taken back",
    Kind.RESERVE: "Reserved for an offer",
    Kind.POST: "Reward",
    Kind.VOID: "Offer released",
    Kind.REST: "Rest of an offer released",
    Kind.PAYOUT: "Paid out",
    Kind.CORRECT: "Correction",
}


def fund(project: Project, amount: int, key: str) -> None:
    opening.fund(project, amount, timezone.now(), key=key)


def withdraw(project: Project, amount: int, key: str) -> None:
    ledger.withdraw(project.budget, amount, key=key)


VERBS = {"fund": (fund, "added"), "withdraw": (withdraw, "taken back")}


@signed_in
@by("GET", "POST")
def money(request, slug):
    if request.method == "POST":
        return move(request, changeable(request, slug))
    return books(request, readable(request, slug))


def move(request, project: Project):
    """Fund or withdraw, once for each form that was shown: its key makes a second click the same transfer."""
    if "limit" in request.POST:
        return limit(request, project)
    name = "withdraw" if "withdraw" in request.POST else "fund"
    verb, words = VERBS[name]
    form = AmountForm(request.POST, prefix=name)
    if form.is_valid():
        amount, key = form.cleaned_data["amount"], form.cleaned_data["key"]
        try:
            verb(project, amount, f"{name} {project.pk} {key}")
        except ledger.LedgerRefusal as refusal:
            form.add_error("amount", str(refusal))
        else:
            messages.success(request, f"{amount:,} {project.budget.currency} {words}.")
            return redirect("project_money", project.slug)
    return books(request, project, status=422, **{name: form})


def limit(request, project: Project):
    """How much may be offered in a day; nothing typed is no limit."""
    form = DailyLimitForm(request.POST)
    if not form.is_valid():
        return books(request, project, status=422, daily=form)
    amount = form.cleaned_data["daily_limit"]
    ledger.limit_days(project.budget, amount)
    selecting.look_again(project, timezone.now())
    unit = project.budget.currency
    said = (
        f"No more than {amount:,} {unit} are spent in a day from now on."
        if amount is not None
        else "No day is limited."
    )
    messages.success(request, said)
    return redirect("project_money", project.slug)


def books(request, project: Project, status: int = 200, fund=None, withdraw=None, daily=None):
    of = request.GET.get("of") if request.GET.get("of") in ENTRIES else ""
    entries = ENTRIES[of](project) if of else ledger.entries(project.budget)
    before = number(request.GET.get("before"))
    rows = list((entries.filter(pk__lt=before) if before else entries).select_related("resolves")[: PAGE + 1])
    for row in rows:
        row.words, row.purpose = WORDS[row.kind], row.reference or (row.resolves.reference if row.resolves else "")
    return page(
        request, project, "money", status=status,
        money=figures.money(project),
        once=figures.once_over(project),
        day=spending.day(project, timezone.localdate()),
        plans=spending.plans(project),
        daily=daily or DailyLimitForm(initial={"daily_limit": project.budget.daily_limit}),
        fund=fund or AmountForm(prefix="fund"),
        withdraw=withdraw or AmountForm(prefix="withdraw"),
        of=of,
        entries=rows[:PAGE],
        older=rows[PAGE - 1].pk if len(rows) > PAGE else None,
        first=not before,
    )  # fmt: skip


# --- the entries behind each figure ----------------------------------------------------------------------------------


def account(project: Project, role: str) -> Account:
    return Account.objects.get(budget=project.budget, user=None, role=role)


def available(project: Project):
    return ledger.entries(project.budget).touching(account(project, Role.AVAILABLE))


def funded(project: Project):
    """What came in from outside, less what went back there."""
    outside = account(project, Role.FUNDING)
    change = Case(When(debit=outside, then=F("amount")), default=-F("amount"))
    return ledger.entries(project.budget).filter(Q(debit=outside) | Q(credit=outside)).annotate(change=change)


def reserved(project: Project):
    """What is held for live assignments: few rows, found by these however long the ledger."""
    held = list(Assignment.objects.live().filter(worker__project=project).values_list("reservation", flat=True))
    return ledger.entries(project.budget).filter(pk__in=held).annotate(change=F("amount"))


def spent(project: Project):
    """Rewards, and what corrected them."""
    entries = ledger.entries(project.budget)
    return entries.filter(Q(kind=Kind.POST) | Q(kind=Kind.CORRECT, corrects__kind=Kind.POST)).annotate(
        change=Case(When(credit__role=Role.WORKER, then=F("amount")), default=-F("amount"))
    )


ENTRIES = {
    "funded": funded,
    "available": available,
    "reserved": reserved,
    "spent": spent,
}
