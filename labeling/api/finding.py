"""What an address names, for the user who asks: whoever has no part in a project is told that it does not exist."""

from django.http import Http404

from labeling import access
from labeling.api.refusals import Refusal
from labeling.models import Assignment, Member, Project


def project_for(user, slug: str, roles=access.ANY) -> Project:
    """The project, if the user has one of these roles in it; a member with another role learns what is missing."""
    try:
        return access.project_for(user, slug, roles)
    except Http404:
        access.project_for(user, slug)
        raise Refusal(403, "not_in_your_role", f"This is for its {' or '.join(roles)}; your role is another.") from None


def worker_for(user, slug: str) -> Member:
    try:
        return access.worker_for(user, slug)
    except Http404:
        access.project_for(user, slug)
        raise Refusal(403, "not_in_your_role", "Only workers are asked; your role here is another.") from None


def assignment_for(user, pk: int) -> Assignment:
    try:
        return access.assignment_for(user, pk)
    except Http404 as sentence:
        raise Refusal(404, "not_found", str(sentence)) from None
