"""An audit on its way: what it asks, what rests meanwhile, what comes next, and what ends it.

While one goes on nothing is asked to teach, and while a certificate stands no run starts by itself: its classifier
would end what was paid to be proved.
"""

from datetime import datetime

import numpy as np
from django.db import transaction
from django.utils import timezone

from labeling import board
from labeling.accepting import auditing, looking
from labeling.accepting.beginning import CannotAudit, begin, due
from labeling.models import Audit, Certificate, Project, Query, TrainingRun

# --- what is asked ---------------------------------------------------------------------------------------------------


def underway(project: Project) -> Audit | None:
    audit = Audit.objects.filter(project=project, state=Audit.State.OPEN).select_related("run").first()
    if audit:
        audit.project = project
    return audit


def drawn(project: Project, seen: board.Board, sure: bool, now: datetime) -> np.ndarray:
    """(n,) bool: the board's items to audit next. An audit that is due begins."""
    audit, nothing = underway(project), np.zeros(len(seen.items), bool)
    if audit is None and due(project, seen, sure):
        try:
            audit = begin(project, now)
        except CannotAudit:  # as it cannot be paid, or another refill was quicker
            return nothing
    if audit is None:
        return nothing
    rows = looking.case_of(audit).unopened.tolist()
    return np.isin(seen.items, list(project.items.filter(row__in=rows).values_list("pk", flat=True)))


def people(project: Project) -> int:
    """How many are asked about one audited item at most."""
    audit = underway(project)
    return auditing.places(audit.lead if audit else project.audit_lead)


def resting(project: Project) -> bool:
    """Is teaching at rest, since an audit goes on?"""
    return Audit.objects.filter(project=project, state=Audit.State.OPEN).exists()


def holding(project: Project) -> bool:
    """Does an audit go on or a certificate stand, which a new run would end?"""
    return resting(project) or Certificate.objects.standing().filter(project=project).exists()


def certain(project: Project) -> float:
    """The confidence from which nothing is asked: where a certificate says what is decided, the rest is people's."""
    stands = Certificate.objects.standing().filter(project=project).exists()
    return 1.0 if stands else project.certain


# --- go on -----------------------------------------------------------------------------------------------------------


def proceed(project: Project, now: datetime | None = None) -> bool:
    """Take the next look if everything drawn for it is decided; says whether it was taken."""
    audit, now = underway(project), now or timezone.now()
    if audit is None:
        return False
    auditing.reopen(audit)
    auditing.give_up_where_nobody_is_left(audit, now)
    case = looking.case_of(audit)
    return not case.waiting and looking.look(case, now)


def look_now(project: Project, now: datetime) -> bool:
    """Wait no longer: what people have not decided counts as wrong. Raises CannotAudit."""
    audit = underway(project)
    if audit is None:
        raise CannotAudit("No audit is under way.")
    if unopened := len(looking.case_of(audit).unopened):
        raise CannotAudit(f"{unopened:,} of the items drawn have not been asked yet: refill the queue first.")
    auditing.give_up(audit)
    return proceed(project, now)


def go_on(project: Project, more: int) -> Audit:
    """Audit so many more of the pool, as far as they are in play: to check a certificate, or to certify more."""
    done = Audit.objects.filter(project=project, state=Audit.State.DONE).first()
    if done is None:
        raise CannotAudit("There is no audit that has come to its end and could go on.")
    wanted = min(done.size, done.wanted + more)
    mine = Audit.objects.filter(pk=done.pk, state=done.state, wanted=done.wanted)
    if wanted == done.wanted or not mine.update(state=Audit.State.OPEN, wanted=wanted):
        raise CannotAudit("Every item of the pool has been drawn already.")
    done.refresh_from_db()
    return done


# --- end -------------------------------------------------------------------------------------------------------------


def end(project: Project, reason: str, now: datetime | None = None) -> bool:
    """The audit that stands ends with its certificate, its open queries are withdrawn; says whether one stood."""
    now = now or timezone.now()
    with transaction.atomic():
        standing = Audit.objects.standing().filter(project=project)
        runs = list(standing.values_list("run", flat=True))
        standing.update(state=Audit.State.ENDED, ended=now, reason=reason[:300])
        looking.withdraw(project, reason, now)
        audits = Query.objects.open().filter(run__in=runs, purpose=Query.Purpose.AUDIT)
        audits.update(state=Query.State.WITHDRAWN)
    return bool(runs)


def supersede(run: TrainingRun, now: datetime | None = None) -> bool:
    """Another classifier decides now: what the one before was certified to decide is open again."""
    return end(run.project, f"Run {run.number} was published: what was accepted before it is open again.", now)
