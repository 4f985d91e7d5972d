"""The classifier decides what an audit proves it may: when an audit begins, what it asks next, and what ends it.

Rule: an audit and its certificates belong to one frozen run and end with it. While an audit goes on nothing is asked to
teach, and while a certificate stands no run starts by itself: its classifier would end what was paid to be proved.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone

from labeling import arrays, auditing, board, certified, freezing, looking, weighing
from labeling.models import Audit, Certificate, Project, Query, TrainingRun
from labeling.weighing import Weighed

NEARLY = 0.9  # of the pool decided by an audit: then it begins by itself, for asking on would gain little
BEFOREHAND = 2  # times its cost: it begins before the rest of the budget is asked away


class CannotAudit(Exception):
    """No audit begins or goes on; the sentence says why, with the number."""


# --- begin -----------------------------------------------------------------------------------------------------------


def begin(project: Project, now: datetime, *, seed: int | None = None) -> Audit:
    """Freeze the published run and draw what is audited first. Raises CannotAudit where that would not pay."""
    refuse_early(project)
    mask, plan = weighed(project, board.read(project))
    if not plan.audits:
        raise CannotAudit(plan.reason)
    if not plan.affordable:
        raise CannotAudit(f"{plan.reason} The budget has {project.budget.available:,} available.")
    return opened(project, mask, secrets.randbelow(2**53) if seed is None else seed, plan, now)


def refuse_early(project: Project) -> None:
    if project.accept_share is None:
        raise CannotAudit("This project accepts nothing yet: say in its settings what share may be wrong.")
    if project.state != Project.State.ACTIVE:
        raise CannotAudit(f"The project is {project.state}, so nobody can be asked.")
    if project.published is None:
        raise CannotAudit("No classifier is published yet, so there is nothing to audit.")
    if project.runs.pending().exists():
        raise CannotAudit("A run is on its way. Its classifier would end the audit: wait for it.")
    if Audit.objects.filter(run=project.published).exists():
        raise CannotAudit(f"Run {project.published.number} was audited already. A new run can be audited anew.")


def weighed(project: Project, seen: board.Board) -> tuple[np.ndarray, Weighed]:
    """The pool, (rows,) bool by array row, and whether to audit it pays."""
    return freezing.pool(project, seen), weighing.weigh(project, freezing.pooled(project, seen))


def opened(project: Project, mask: np.ndarray, seed: int, plan: Weighed, now: datetime) -> Audit:
    pointer = arrays.save(f"{project.pk}/pool", mask)
    try:
        with transaction.atomic():
            locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
            if locked.published_id != project.published_id or locked.runs.pending().exists():
                raise CannotAudit("A new run came between. Look at it first.")
            audit = Audit.objects.create(
                project=project, run=project.published, share=project.accept_share, lead=plan.lead,
                confidence=project.accept_confidence, seed=seed, pool=pointer, size=int(mask.sum()),
                wanted=plan.audits, reason=plan.reason[:300], begun=now,
            )  # fmt: skip
            fresh = Query.objects.filter(project=project).fresh().teaching()
            fresh.update(state=Query.State.WITHDRAWN)
            return audit
    except IntegrityError:
        raise CannotAudit("An audit was begun at this very moment.") from None


def due(project: Project, seen: board.Board, sure: bool) -> bool:
    """Is it time for an audit? When asking ends, when nearly all would be decided, or before the money is gone."""
    try:
        refuse_early(project)
    except CannotAudit:
        return False
    if not sure and not weighing.hopeful(project, freezing.pooled(project, seen), NEARLY, BEFOREHAND):
        return False
    _, plan = weighed(project, seen)
    nearly = plan.accepted + plan.audits >= NEARLY * plan.items
    return plan.audits > 0 and (sure or nearly or project.budget.available < BEFOREHAND * plan.cost)


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


# --- what is known ---------------------------------------------------------------------------------------------------

FRESH = 300  # seconds for which what an audit would cost and bring is not worked out anew


@dataclass(frozen=True)
class Outlook:
    """Where a project's acceptance stands. audit: the one that stands, else the last; certificate: the one that stands;
    case: what the audit has come to; plan: what a first audit would cost and bring; refusal: why none may begin."""

    audit: Audit | None
    certificate: Certificate | None
    case: looking.Case | None
    plan: Weighed | None
    refusal: str


def outlook(project: Project) -> Outlook:
    audit = Audit.objects.filter(project=project).select_related("run").first()
    certificate = certified.standing(project)
    case = None
    if audit and audit.state != Audit.State.ENDED:
        audit.project = project
        case = looking.case_of(audit)
    try:
        refuse_early(project)
    except CannotAudit as refusal:
        return Outlook(audit, certificate, case, None, str(refusal))
    plan = foreseen(project)
    return Outlook(audit, certificate, case, plan, "" if plan.audits else plan.reason)


def foreseen(project: Project) -> Weighed:
    """What an audit of the published run would cost and bring, as it was a few minutes ago."""
    asked = project.published_id, project.accept_share, project.accept_confidence, weighing.prices(project)
    digest = hashlib.sha256(repr((project.created, project.budget.available, asked)).encode()).hexdigest()
    return cache.get_or_set(f"audit-{digest}", lambda: weighed(project, board.read(project))[1], FRESH)


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
