"""A member's role: what it lets do, changing it, taking it away; and leaving a project oneself."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from labeling import leaving, opening
from labeling.access import GIVES, RIGHTS, TAKES, Role, among, project_for
from labeling.models import Member, Project
from labeling.views.gates import by, signed_in
from labeling.views.projects.frame import changeable, page


class RoleForm(forms.Form):
    """One of the roles that whoever asks may give."""

    role = forms.ChoiceField(widget=forms.RadioSelect, error_messages={"required": "Choose a role."})

    def __init__(self, roles: list[Role], data=None, **options):
        super().__init__(data, **options)
        self.fields["role"].choices = [(role, role.label) for role in roles]

    def options(self):
        """(radio button, what the role may do)"""
        return [(radio, RIGHTS[Role(radio.data["value"])]) for radio in self["role"]]


@signed_in
@by("GET", "POST")
def member(request, slug, member):
    """Who has this role, and what may be done about it."""
    project = changeable(request, slug)
    found = get_object_or_404(project.members.select_related("user"), pk=member)
    found.project = project
    if request.method == "GET":
        return portrait(request, project, found)
    if found.role not in among(TAKES, request.user, project):
        raise PermissionDenied("Only an owner changes or takes away this role.")
    deed = next((DEEDS[name] for name in DEEDS if name in request.POST), change)
    try:
        refusal = deed(request, project, found)
    except leaving.Refused as sentence:
        refusal = portrait(request, project, found, refusal=str(sentence), status=422)
    return refusal or redirect("project_people", slug)


def portrait(request, project: Project, found: Member, form=None, refusal: str = "", status: int = 200):
    gives, takes = among(GIVES, request.user, project), among(TAKES, request.user, project)
    return page(
        request, project, "member", status=status,
        member=found, form=form or RoleForm(gives, initial={"role": found.role}), refusal=refusal,
        may_take=found.role in takes, oneself=found.user == request.user,
    )  # fmt: skip


def change(request, project: Project, found: Member):
    """The page with what is wrong, if the role cannot be given."""
    form = RoleForm(among(GIVES, request.user, project), request.POST)
    if not form.is_valid():
        return portrait(request, project, found, form, status=422)
    changed = leaving.change_role(found, form.cleaned_data["role"], timezone.now())
    messages.success(request, f"{found.user} is {changed.get_role_display().lower()} now.")
    return None


def remove(request, project: Project, found: Member) -> None:
    leaving.remove(found, timezone.now())
    messages.success(request, f"{found.user} is no longer {found.get_role_display().lower()} here.")


def bring_back(request, project: Project, found: Member) -> None:
    opening.join(found.user, project, found.role)
    messages.success(request, f"{found.user} is {found.get_role_display().lower()} again.")


DEEDS = {"remove": remove, "bring_back": bring_back}


@signed_in
@by("GET", "POST")
def leave(request, slug):
    """A page that says what goes and what stays, and the deed; for everybody who has a role."""
    project = project_for(request.user, slug)
    roles = [one.get_role_display().lower() for one in project.members.present().filter(user=request.user)]
    context, status = {"project": project, "roles": roles}, 200
    if request.method == "POST":
        try:
            leaving.leave(request.user, project, timezone.now())
        except leaving.Refused as refusal:
            context, status = context | {"refusal": str(refusal)}, 422
        else:
            messages.success(request, f"You have left {project.name}.")
            return redirect("home")
    return render(request, "labeling/leave.html", context, status=status)
