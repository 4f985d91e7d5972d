"""The items: importing them, looking at them, taking broken ones out and in again."""

import hashlib

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect

from labeling import asking, classifying, importing, opening
from labeling.models import Media, Project
from labeling.views.forms import ImportForm, lines_of
from labeling.views.gates import by, signed_in
from labeling.views.projects import figures
from labeling.views.projects.frame import changeable, number, page, readable

PAGE = 24
REFUSED = 200  # refused rows listed; of the others it is said how many there are


@signed_in
@by("GET", "POST")
def items(request, slug):
    if request.method == "GET":
        return stock(request, readable(request, slug))
    project = changeable(request, slug)
    for name, verb, words in (
        ("withdraw", asking.withdraw, "taken out"),
        ("restore", asking.restore, "taken in again"),
    ):
        if name in request.POST:
            item = get_object_or_404(project.items, pk=number(request.POST[name]))
            verb(item)
            messages.success(request, f"The item {item.identifier} was {words}.")
            return redirect("project_items", slug)
    return bring(request, project)


def bring(request, project: Project):
    """Import what was uploaded or typed; what was refused is listed on the page that follows."""
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return stock(request, project, status=422, form=form)
    try:
        report = imported(project, form.cleaned_data)
    except opening.Refused as refusal:
        form.add_error("file", str(refusal))
        return stock(request, project, status=422, form=form)
    request.session[f"import {project.pk}"] = {
        "created": report.created,
        "existing": report.existing,
        "known": report.known,
        "gold": report.gold,
        "unread": report.unread,
        "refused": [list(row) for row in report.refused[:REFUSED]],
        "more": max(0, len(report.refused) - REFUSED),
    }
    return redirect("project_items", project.slug)


def imported(project: Project, data):
    if data["file"]:
        options = {"name": data["file"].name, "create_categories": data["create_categories"]}
        return importing.import_file(project, data["file"], **options)
    return importing.import_rows(project, [{"id": named(line), "text": line} for line in lines_of(data["lines"])])


def named(line: str) -> str:
    """An identifier made from the text, so that the same line is the same item."""
    return f"line-{hashlib.sha256(line.encode()).hexdigest()[:16]}"


def stock(request, project: Project, status: int = 200, form=None):
    wanted = request.GET.get("identifier", "").strip()
    after = request.GET.get("after")
    found = project.items.filter(identifier=wanted) if wanted else project.items.all()
    found = found.filter(row__gt=number(after)) if after else found
    rows = figures.with_consensus(found[: PAGE + 1])
    return page(
        request, project, "items", status=status,
        form=form or ImportForm(),
        report=request.session.pop(f"import {project.pk}", None),
        media=Media(project.media),
        newcomers=classifying.newcomers(project),
        count=project.items.count(),
        reported=figures.by_reports(project, PAGE),
        items=rows[:PAGE],
        wanted=wanted,
        more=rows[PAGE - 1].row if len(rows) > PAGE else None,
        first=not after,
        item_template=f"labeling/items/{project.media}.html",
    )  # fmt: skip
