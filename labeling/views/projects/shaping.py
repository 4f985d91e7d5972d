"""What a project is: opening one, its settings, its categories, and whether it is active, paused or archived."""

from copy import copy

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from labeling import opening, selecting
from labeling.models import Project
from labeling.views.forms import DescriptionsForm, NewCategoriesForm, NewProjectForm
from labeling.views.gates import by, signed_in
from labeling.views.projects.frame import changeable, number, page, readable
from labeling.views.projects.ring import picture
from labeling.views.terms import SettingsForm

STATES = {
    Project.State.ACTIVE: "The project is active: workers are asked.",
    Project.State.PAUSED: "The project is paused: nobody is asked. What workers hold they may still answer.",
    Project.State.ARCHIVED: "The project is archived: nobody is asked. Everything stays and can be exported.",
}


@signed_in
@by("GET", "POST")
def new(request):
    if request.method == "GET":
        return render(request, "labeling/projects/new.html", {"form": NewProjectForm()})
    form = NewProjectForm(request.POST)
    project = form.open(request.user)
    if project is None:
        return render(request, "labeling/projects/new.html", {"form": form}, status=422)
    messages.success(request, "The project is open. Bring in its items, fund it, and invite people.")
    return redirect("project_items", project.slug)


@signed_in
@by("POST")
def state(request, slug):
    project = changeable(request, slug)
    wanted = request.POST.get("state")
    if wanted not in STATES:
        messages.error(request, "A project is active, paused or archived; nothing was changed.")
        return picture(request, project, status=422)
    Project.objects.filter(pk=project.pk).update(state=wanted)
    messages.success(request, STATES[wanted])
    return redirect("project", slug)


@signed_in
@by("GET", "POST")
def settings(request, slug):
    if request.method == "GET":
        return terms(request, readable(request, slug))
    project = changeable(request, slug)
    for name, deed in DEEDS.items():
        if name in request.POST:
            return deed(request, project)
    return change(request, project)


def change(request, project: Project):
    form = SettingsForm(request.POST, instance=copy(project))
    if not form.is_valid():
        return terms(request, project, status=422, form=form)
    selecting.look_again(form.save(), timezone.now())
    messages.success(request, "The settings were saved.")
    return redirect("project_settings", project.slug)


def add(request, project: Project):
    form = NewCategoriesForm(request.POST)
    if form.add(project) is None:
        return terms(request, project, status=422, adding=form)
    messages.success(request, "The categories were added. The next run learns them as soon as people agree on some.")
    return redirect("project_settings", project.slug)


def describe(request, project: Project):
    form = DescriptionsForm(project, request.POST)
    if not form.is_valid():
        return terms(request, project, status=422, describing=form)
    form.save()
    messages.success(request, "The descriptions were saved.")
    return redirect("project_settings", project.slug)


def remove(request, project: Project):
    category = get_object_or_404(project.categories, pk=number(request.POST["remove"]))
    try:
        opening.remove_category(category)
    except opening.Refused as refusal:
        messages.error(request, str(refusal))
        return terms(request, project, status=422)
    messages.success(request, f"The category {category.name} was removed.")
    return redirect("project_settings", project.slug)


DEEDS = {"add": add, "describe": describe, "remove": remove}  # by the name of the button


def terms(request, project: Project, status: int = 200, **forms):
    shown = {
        "form": SettingsForm(instance=project),
        "adding": NewCategoriesForm(),
        "describing": DescriptionsForm(project),
    } | forms
    return page(request, project, "settings", status=status, **shown)
