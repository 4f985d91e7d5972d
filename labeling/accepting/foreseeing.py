"""Where a project's acceptance stands, and what an audit of its published run would cost and bring."""

import hashlib
from dataclasses import dataclass

from django.core.cache import cache

from labeling import board
from labeling.accepting import beginning, looking, weighing
from labeling.accepting.beginning import CannotAudit, refuse_early
from labeling.accepting.weighing import Weighed
from labeling.models import Audit, Certificate, Project

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
    certificate = Certificate.objects.of(project)
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
    return cache.get_or_set(f"audit-{digest}", lambda: beginning.weighed(project, board.read(project))[1], FRESH)
