"""How somebody leaves a project, or gets another role in it. What they said and earned there stays.

Rule: a project keeps an owner, and whom others took a role from no invitation gives it back.
"""

from datetime import datetime

from django.db import transaction

from labeling import answering, asking, opening
from labeling.models import Member, Project
from labeling.opening import Refused


def remove(member: Member, now: datetime) -> None:
    """Take this role from a member. Raises Refused for the last owner."""
    with transaction.atomic():
        end(member, now, removed=True)
    put_down(member, now)


def change_role(member: Member, role: str, now: datetime) -> Member:
    """Another role in place of this one; returns the member in it. Raises Refused for the last owner."""
    if role == member.role:
        return member
    with transaction.atomic():
        end(member, now, removed=True)
        changed = opening.join(member.user, member.project, role)
    put_down(member, now)
    return changed


def leave(user, project: Project, now: datetime) -> None:
    """Give up every role in a project. Raises Refused for its last owner."""
    with transaction.atomic():
        roles = list(project.members.present().filter(user=user))
        for member in roles:
            end(member, now, removed=False)
    for member in roles:
        put_down(member, now)


def end(member: Member, now: datetime, *, removed: bool) -> None:
    """Within the caller's transaction."""
    if member.role == Member.Role.OWNER:
        keep_an_owner(member)
    Member.objects.present().filter(pk=member.pk).update(left=now, removed=removed)


def keep_an_owner(member: Member) -> None:
    """Two owners who go at once come one after the other."""
    list(Project.objects.select_for_update(no_key=True).filter(pk=member.project_id).values("pk"))
    owners = Member.objects.present().filter(project=member.project_id, role=Member.Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise Refused("A project has an owner, and there is no other one. Make somebody else an owner first.")


def put_down(worker: Member, now: datetime) -> None:
    """Let go of all that is held: offers go to others, their money is free again, a reopened answer stays as it was."""
    asking.stop(worker, now=now)
    for assignment in asking.held_by(worker):
        answering.keep(assignment)
