"""Workers of one project invited into another of the same admin, with or without what is known of them.

Rule: a rating that came from a project is shown only to those who may read that project, until as many judgments in the
new one speak for themselves as it weighs.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from labeling import opening, qualifying
from labeling.access import READS, RUNS, may
from labeling.models import Member, Project

KNOWN = 10  # judgments from which a worker's rating is worth carrying along


def sources(user, project: Project) -> QuerySet[Project]:
    """Other projects that this user runs and that have workers."""
    runs = Project.objects.all() if user.is_superuser else Project.objects.of(user, *RUNS)
    workers = Member.objects.workers().present().filter(project=OuterRef("pk"))
    return runs.exclude(pk=project.pk).filter(Exists(workers)).order_by("name")


def candidates(source: Project, project: Project) -> QuerySet[Member]:
    """Who works there in good standing and was never a worker here: whom somebody took out is not brought back."""
    here = Member.objects.workers().filter(project=project, user=OuterRef("user"))
    workers = source.members.workers().present().trusted().filter(~Exists(here), paused=None, user__is_active=True)
    return workers.select_related("user").order_by("-judged", "user__username")


def invite(project: Project, workers: Iterable[Member], *, carry: bool) -> int:
    """Let these candidates work in the project; says how many. carry: the known rating of each is the one to begin
    with; it weighs as much as a starting rating usually does, since other items may be harder."""
    workers = list(workers)
    with transaction.atomic():
        for worker in workers:
            invited = opening.join(worker.user, project, Member.Role.WORKER)
            if carry and worker.judged >= KNOWN:
                qualifying.record(invited, starting_rating=worker.rating, starting_from=worker.project)
    return len(workers)


def hides(user, worker: Member) -> bool:
    """Would this worker's rating tell this user what another project, which they may not read, found out?"""
    source = worker.starting_from
    return source is not None and worker.judged < worker.starting_answers and not may(user, source, READS)
