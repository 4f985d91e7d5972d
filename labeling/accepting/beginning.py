"""When an audit begins: the published run is frozen and what is audited first is drawn, if that pays."""

import secrets
from datetime import datetime

import numpy as np
from django.db import IntegrityError, transaction

from labeling import arrays, board, quoting
from labeling.accepting import freezing, weighing
from labeling.accepting.weighing import Weighed
from labeling.models import Audit, Project, Query

NEARLY = 0.9  # of the pool decided by an audit: then it begins by itself, for asking on would gain little
BEFOREHAND = 2  # times its cost: it begins before the rest of the budget is asked away


class CannotAudit(Exception):
    """No audit begins or goes on; the sentence says why, with the number."""


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
    except IntegrityError:
        raise CannotAudit("An audit was begun at this very moment.") from None
    prune(project)
    return audit


def prune(project: Project) -> None:
    """Delete the arrays of audits that ended and of certificates withdrawn, which nobody reads any more.

    Not as they end, when somebody may be reading them, but as another audit begins.
    """
    for rows, field in ((project.audits, "pool"), (project.certificates, "items")):
        over, standing = rows.over().exclude(**{field: {}}), rows.standing()
        arrays.delete(over.values_list(field, flat=True), kept=standing.values_list(field, flat=True))
        over.update(**{field: {}})


def due(project: Project, seen: board.Board, sure: bool) -> bool:
    """Is it time for an audit? When asking ends, when nearly all would be decided, or before the money is gone."""
    try:
        refuse_early(project)
    except CannotAudit:
        return False
    share = enough(project, seen)
    if not sure and not weighing.hopeful(project, freezing.pooled(project, seen), share, BEFOREHAND):
        return False
    _, plan = weighed(project, seen)
    nearly = plan.accepted + plan.audits >= share * plan.items
    return plan.audits > 0 and (sure or nearly or quoting.left(project) < BEFOREHAND * plan.cost)


def enough(project: Project, seen: board.Board) -> float:
    """The share of the pool by which an audit begins by itself: nearly all, or what reaches the project's target."""
    doubtful = seen.doubtful[seen.present].any(axis=1)
    if project.target_decided is None or not doubtful.any():
        return NEARLY
    return min(NEARLY, max(0.0, 1 - (1 - project.target_decided) / float(doubtful.mean())))
