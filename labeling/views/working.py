"""A worker's page: one card. A GET shows what is held; a POST ends with the next query, or with why there is none."""

from datetime import datetime, time, timedelta

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from labeling import answering, asking, leaving, qualifying, waiting
from labeling.access import assignment_for, worker_for
from labeling.kinds import KINDS, AnswerForm, Cell
from labeling.models import Assignment, Member
from labeling.views.gates import by, signed_in
from rewards import ledger

COUNTED = 1_000  # answers: counted no further, so that a page costs the same after any number of them
SHORT = 2  # letters: names like digits stand five in a row, so that the whole card is seen at once


class GiveBackForm(forms.Form):
    """Why a query is given back and, if items are broken, which."""

    reason = forms.ChoiceField(choices=[(reason, reason) for reason in ("skip", "cannot_tell", "broken")])
    broken = forms.MultipleChoiceField(required=False)
    note = forms.CharField(required=False, max_length=500)

    def __init__(self, query, data):
        super().__init__(data)
        self.items = {str(item.pk): item for item in query.item_list}
        self.fields["broken"].choices = [(value, value) for value in self.items]

    def clean(self):
        fields = super().clean()
        if fields.get("reason") == "broken" and not fields.get("broken") and "broken" not in self.errors:
            self.add_error("broken", "Say which item is broken.")
        return fields

    @property
    def chosen(self) -> list[str]:
        return self.data.getlist("broken")

    @property
    def sentence(self) -> str:
        return "" if self.is_valid() else next(iter(self.errors.values()))[0]


@signed_in
@by("GET")
def work(request, slug):
    worker = worker_for(request.user, slug)
    return show(request, worker, asking.held_by(worker).first(), reason=waiting_named(request.GET.get("waiting")))


@signed_in
@by("POST")
def next_query(request, slug):
    return following(request, worker_for(request.user, slug))


@signed_in
@by("POST")
def answer(request, assignment):
    assignment = assignment_for(request.user, assignment)
    worker = assignment.worker
    if "keep" in request.POST:
        answering.keep(assignment)
        return following(request, worker, "Your answer stays as it was.")
    form = AnswerForm(assignment.query, request.POST)
    if not form.is_valid():
        return show(request, worker, assignment, form=form, status=422)
    if form.nothing_told and not assignment.reopened:
        return given_back(request, assignment, "cannot_tell")
    try:
        outcome = answering.record(assignment, form.degrees(), now=timezone.now())
    except answering.AnswerRefused as refusal:
        if refusal.field is None:  # there is nothing to mend in the answer: the query is theirs no longer
            return following(request, worker, str(refusal))
        form.add_error("answer", str(refusal))
        return show(request, worker, assignment, form=form, status=422)
    return following(request, worker, outcome.sentence, 0 if outcome.repeated else outcome.paid)


@signed_in
@by("POST")
def give_back(request, assignment):
    assignment = assignment_for(request.user, assignment)
    form = GiveBackForm(assignment.query, request.POST)
    if not form.is_valid():
        return show(request, assignment.worker, assignment, report=form, status=422)
    given = form.cleaned_data
    broken = [form.items[value] for value in given["broken"]]
    return given_back(request, assignment, given["reason"], note=given["note"], broken=broken)


def given_back(request, assignment: Assignment, reason: str, **report) -> HttpResponse:
    try:
        asking.give_back(assignment, reason, now=timezone.now(), **report)
    except asking.NotHeld:
        return following(request, assignment.worker, "That query was no longer yours: answered, given back or expired.")
    return following(request, assignment.worker, "Thank you for the report." if report.get("broken") else "")


@signed_in
@by("POST")
def undo(request, slug):
    worker = worker_for(request.user, slug)
    try:
        assignment = answering.undo(worker)
    except answering.AnswerRefused as refusal:
        return following(request, worker, str(refusal))
    return show(request, worker, assignment) if request.htmx else redirect("work", slug)


@signed_in
@by("POST")
def stop(request, slug):
    worker = worker_for(request.user, slug)
    leaving.put_down(worker, timezone.now())
    return redirect("home")


def waiting_named(code: str | None) -> asking.NothingToAsk | None:
    return asking.NothingToAsk(code) if code in asking.SENTENCES else None


def following(request, worker: Member, said: str = "", paid: int = 0) -> HttpResponse:
    """What comes next, in a transaction of its own: a query that cannot be afforded never undoes an answer."""
    tested = worker.tested
    try:
        assignment, reason = asking.next_assignment(worker, now=timezone.now()), None
    except asking.NothingToAsk as refusal:
        assignment, reason = None, refusal
    if worker.tested != tested and not qualifying.failed(worker):
        said = f"You passed the test, {worker.test_score:.0%} of it was right. From here on answers are paid."
    if request.htmx:
        if reason and still(request, worker, reason):
            return HttpResponse(status=204)  # nothing moves
        return show(request, worker, assignment, reason=reason, said=said, paid=paid)
    if said:
        messages.info(request, said)
    page = reverse("work", args=[worker.project.slug])
    return redirect(f"{page}?waiting={reason.code}" if reason else page)


def still(request, worker: Member, reason: asking.NothingToAsk) -> bool:
    """Is all as the page has it that asks again: why there is nothing here, and where else there is something?"""
    shown = request.POST.get("waiting"), request.POST.get("elsewhere", "")
    return shown == (reason.code, names(waiting.elsewhere(worker, timezone.now())))


def names(others: list[waiting.Waiting]) -> str:
    return " ".join(sorted(one.project.slug for one in others))


def show(request, worker, assignment=None, *, form=None, report=None, reason=None, said="", paid=0, status=200):
    """The card alone for htmx, the page around it for everybody else."""
    answered = worker.assignments.answered()[: COUNTED + 1].count()
    others = waiting.elsewhere(worker, timezone.now()) if reason else []
    context = {
        "worker": worker,
        "project": worker.project,
        "budget": worker.project.budget,
        "balance": ledger.balance(worker.user, worker.project.budget),
        "answered": min(answered, COUNTED),
        "more": answered > COUNTED,
        "begun": worker.assignments.exists,  # asked only by the templates that need it
        "waiting": reason,
        "elsewhere": others,
        "named": names(others),
        "tomorrow": tomorrow(timezone.now()),
        "test": qualifying.progress(worker) if assignment and assignment.test else None,
        "untested": not assignment and not reason and qualifying.untested(worker),
        "said": said,
        "paid": paid,
        "report": report,
    }
    if assignment:
        context |= asked(assignment, form)
    return render(request, "labeling/_card.html" if request.htmx else "labeling/work.html", context, status=status)


def tomorrow(now: datetime) -> datetime:
    """When the next day begins, in the site's time zone."""
    return timezone.make_aware(datetime.combine(timezone.localdate(now) + timedelta(days=1), time.min))


def asked(assignment: Assignment, form: AnswerForm | None) -> dict:
    """What the templates of a query read: the query, its form, and what is chosen in it already.

    tiles: (option, item) for all items shown; choices: (option, category), where the options are categories.
    """
    form = form or AnswerForm(assignment.query)
    items = form.fields["unsure"].options
    return {
        "assignment": assignment,
        "query": assignment.query,
        "items": assignment.query.item_list,
        "categories": assignment.query.category_list,
        "tiles": list(zip(items, assignment.query.item_list, strict=True)),
        "choices": list(zip(form.fields["answer"].options, assignment.query.category_list, strict=False)),
        "short": all(len(option.title) <= SHORT for option in form.fields["answer"].options),
        "form": form,
        "item_template": f"labeling/items/{assignment.query.project.media}.html",
    } | chosen(assignment, form)


def chosen(assignment: Assignment, form: AnswerForm) -> dict:
    """The values chosen so far: as just sent, or of a reopened answer as it stands."""
    if form.is_bound:
        return {"chosen": form.data.getlist("answer"), "unsure": form.data.getlist("unsure")}
    if not assignment.reopened:
        return {"chosen": [], "unsure": []}
    rows = assignment.judgments.standing().values_list("item", "category", "degree")
    degrees = {Cell(item, category): degree for item, category, degree in rows}
    told = {cell.item for cell in degrees}
    unsure = [str(item.pk) for item in assignment.query.item_list if item.pk not in told]
    return {"chosen": KINDS[assignment.query.kind].chosen(degrees), "unsure": unsure}
