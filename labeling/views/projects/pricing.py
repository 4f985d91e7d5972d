"""The price list: what it is, what a change of it would come to before it is saved, and what an hour has earned."""

from copy import copy
from typing import NamedTuple

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone

from labeling import costing, earning, pacing, selecting
from labeling.kinds import KINDS
from labeling.models import Project
from labeling.views.gates import by, signed_in
from labeling.views.projects.frame import changeable, page, readable
from labeling.views.tariffs import PricesForm


@signed_in
@by("GET", "POST")
def prices(request, slug):
    if request.method == "GET":
        project = readable(request, slug)
        return tariff(request, project, PricesForm(instance=copy(project)))
    project = changeable(request, slug)
    form = PricesForm(request.POST, instance=copy(project))
    if not form.is_valid():
        return tariff(request, project, form, status=422)
    if "try" in request.POST:
        return tariff(request, project, form)
    selecting.look_again(form.save(), timezone.now())
    messages.success(request, "The prices were saved. They hold for offers from now on.")
    return redirect("project_prices", slug)


@signed_in
@by("GET")
def price_effect(request, slug):
    """What the prices typed so far would come to, beside those that hold; nothing is saved."""
    project = readable(request, slug)
    form = PricesForm(request.GET, instance=copy(project))
    shown = effect(project, form.proposed()) if form.is_valid() else None
    errors = [error for errors in form.errors.values() for error in errors]
    context = {"project": project, "budget": project.budget, "effect": shown, "wrong": errors}
    return render(request, "labeling/projects/_effect.html", context)


def tariff(request, project: Project, form: PricesForm, status: int = 200):
    wanted = form.proposed() if form.is_bound and form.is_valid() else project
    return page(
        request, project, "prices", status=status,
        form=form,
        effect=effect(project, wanted),
        pay=pay(project),
    )  # fmt: skip


class Effect(NamedTuple):
    """Two bills of the same queries; `changed`: they differ. pairs: of each kind, and of all last."""

    pairs: list[tuple[costing.Line, costing.Line]]
    before: costing.Bill
    after: costing.Bill
    imagined: bool
    changed: bool


def effect(project: Project, wanted: Project) -> Effect:
    sample = costing.sample(project)
    before, after = costing.bill(project, sample), costing.bill(wanted, sample)
    pairs = [*zip(before.lines, after.lines, strict=True), (before.overall, after.overall)]
    return Effect(
        [pair for pair in pairs if pair[1].answer is not None], before, after, sample.imagined, before != after
    )


class KindPay(NamedTuple):
    """What a usual query of a kind takes and what an hour of them earned; below: less than the hourly floor."""

    title: str
    seconds: float
    answers: int
    earned: earning.Earned
    below: bool


class Pay(NamedTuple):
    kinds: list[KindPay]
    workers: list
    overall: earning.Earned
    prior: int


def pay(project: Project) -> Pay:
    found = earning.earnings(project)
    return Pay(
        [kind_pay(project, kind, found.kinds[kind]) for kind in KINDS], found.workers, found.overall, pacing.PRIOR
    )


def kind_pay(project: Project, kind: str, earned: earning.Earned) -> KindPay:
    usual = pacing.pace_of(project, kind)
    cells = KINDS[kind].size(max(project.columns, 2), project.grid)
    below = earned.hourly is not None and earned.hourly < project.hourly_floor
    return KindPay(KINDS[kind].title, usual.usual * pacing.law(kind, cells), usual.answers, earned, below)
