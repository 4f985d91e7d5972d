"""The project's page, a picture of the ring: budget, queue, consensus, run; and the buttons that turn it by hand."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

from labeling import accepting, classifying, selecting, training
from labeling.models import Certificate, Project, TrainingRun
from labeling.views.gates import by, signed_in
from labeling.views.projects import examined, figures, foretelling, spending
from labeling.views.projects.frame import changeable, page, readable


@signed_in
@by("GET")
def detail(request, slug):
    return picture(request, readable(request, slug))


def picture(request, project: Project, status: int = 200):
    money, agreed = figures.money(project), figures.agreed(project)
    return page(
        request,
        project,
        "detail",
        status=status,
        money=money,
        day=spending.day(project, timezone.localdate()),
        queue=figures.queue(project),
        agreed=agreed,
        runs=figures.runs(project),
        accuracy=figures.accuracy(project),
        delivered=examined.delivered(project),
        mistaken=examined.mistaken(project),
        saved=examined.saved(project),
        ended=selecting.ended(project),
        coming=figures.coming(project),
        newcomers=classifying.newcomers(project),
        certificate=Certificate.objects.of(project),
        held=accepting.holding(project),
        alive=figures.clusters_alive(),
        **foretelling.picture(project),
    )


@signed_in
@by("GET")
def loop(request, slug):
    """The progress of what is under way, asked for every two seconds; when it is over the whole page is read anew."""
    project = readable(request, slug)
    run, newcomers = project.runs.pending().defer("arrays").first(), classifying.newcomers(project)
    if request.htmx and not run and not (newcomers and newcomers.pending):
        return HttpResponseClientRefresh()
    return render(request, "labeling/projects/_progress.html", {"project": project, "run": run, "newcomers": newcomers})


@signed_in
@by("GET")
def run(request, slug, number):
    project = readable(request, slug)
    found = get_object_or_404(TrainingRun, project=project, number=number)
    confidences = sorted(
        found.metrics.get("by_category", {}).items(), key=lambda pair: pair[1] if pair[1] is not None else 2
    )
    around = project.runs.values_list("number", flat=True)
    return page(
        request,
        project,
        "run",
        run=found,
        confidences=confidences,
        voices=sorted(found.metrics.get("voices", {}).items(), key=lambda pair: -pair[1]),
        before=around.filter(number__lt=number).order_by("-number").first(),
        after=around.filter(number__gt=number).order_by("number").first(),
    )


@signed_in
@by("POST")
def retrain(request, slug):
    project = changeable(request, slug)
    try:
        asked = training.by_hand(project, f"by hand, {request.user.get_username()}", now=timezone.now())
    except training.CannotLearn as refusal:
        messages.error(request, str(refusal))
        return picture(request, project, status=422)
    messages.success(
        request, f"Run {asked.number} is {asked.get_state_display().lower()}. Its progress is shown below."
    )
    return redirect("project", slug)


@signed_in
@by("POST")
def refill(request, slug):
    project = changeable(request, slug)
    done = selecting.refill(project)
    opened, withdrawn = counted(done.opened), counted(done.withdrawn)
    withdrew = f" {withdrawn} from an earlier run withdrawn." if done.withdrawn else ""
    if done.opened:
        messages.success(request, f"{opened} opened.{withdrew}")
    else:
        messages.info(request, f"No query was opened. {done.reason}{withdrew}")
    return redirect("project", slug)


def counted(queries: int) -> str:
    return f"{queries} {'query' if queries == 1 else 'queries'}"
