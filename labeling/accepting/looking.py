"""A look at an audit: what its people have found so far, what that proves, and the certificate that says so."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction

from labeling import arrays
from labeling.accepting import auditing, freezing, weighing
from labeling.accepting.freezing import Frozen
from labeling.accepting.weighing import Weighed
from labeling.models import Audit, Certificate, Project, Query, QueryItem
from segmentation import certificates


@dataclass(frozen=True)
class Case:
    """What an audit has come to. places: (k,) of all that is drawn and in play; wrong: (k,) bool, whether people
    contradict the run there; undecided: (k,) bool, whether people are asked still; unopened: rows not asked yet."""

    audit: Audit
    frozen: Frozen
    places: np.ndarray
    wrong: np.ndarray
    undecided: np.ndarray
    unopened: np.ndarray

    @property
    def waiting(self) -> int:
        return int(self.undecided.sum())

    @property
    def decided(self) -> tuple[np.ndarray, np.ndarray]:
        """(places, wrong) of those that people have decided."""
        return self.places[~self.undecided], self.wrong[~self.undecided]

    @property
    def found_wrong(self) -> int:
        return int(self.decided[1].sum())

    @property
    def lowest(self) -> float:
        return -np.inf if self.audit.lowest is None else self.audit.lowest

    @property
    def tested(self) -> tuple:
        """The arguments that all tests share."""
        return self.frozen.confidence, self.places, self.wrong, self.audit.share, 1 - self.audit.confidence


def case_of(audit: Audit) -> Case:
    """An item on which no answer leads counts as wrong, and so does one taken out as broken."""
    frozen, lowest = freezing.of(audit), -np.inf if audit.lowest is None else audit.lowest
    places = certificates.next_audit(frozen.confidence, frozen.lot, [], audit.wanted, lowest)
    found = {finding.row: finding for finding in auditing.findings(audit)}
    broken = set(audit.project.items.filter(withdrawn=True).values_list("row", flat=True))
    rows = frozen.rows[places].tolist()
    wrong = [row not in found or found[row].answer != frozen.guess(at) for row, at in zip(rows, places, strict=True)]
    unopened = [row for row in rows if row not in found and row not in broken]
    waiting = {row for row, finding in found.items() if finding.waiting} | set(unopened)
    undecided = np.array([row in waiting for row in rows], bool)
    return Case(audit, frozen, places, np.array(wrong, bool), undecided, np.array(unopened, int))


def look(case: Case, now: datetime) -> bool:
    """Test what the audits prove, certify it, and go on if more of them would pay; says whether this look was taken."""
    audit, number = case.audit, case.audit.looks + 1
    earlier = Certificate.objects.of(audit.project)
    if earlier and earlier.look >= number:
        return False
    if earlier and contradicted(earlier, case, number):
        return refute(audit, number, now)
    proof = better(certificates.certify(*case.tested, number, case.lowest), earlier)
    lowest = certificates.lowest_in_play(*case.tested, case.lowest)
    plan = None if lowest is None else weighing.weigh_on(case, (proof or earlier).accepted if proof or earlier else 0)
    going = bool(plan and plan.audits and plan.affordable)
    changes = {
        "state": Audit.State.OPEN if going else Audit.State.DONE,
        "reason": summary(proof, plan)[:300],
        "wanted": min(audit.size, 2 * audit.wanted) if going else audit.wanted,
        "lowest": audit.lowest if lowest is None or lowest == -np.inf else lowest,
    }
    pointer = proof and arrays.save(f"{audit.project_id}/accepted", mask_of(case, proof))
    with transaction.atomic():
        taken = moved(audit, number, **changes)
        if taken and proof:
            issue(audit, proof, pointer, now)
    return taken


def moved(audit: Audit, number: int, **changes) -> bool:
    """A look is taken once."""
    mine = Audit.objects.filter(pk=audit.pk, state=Audit.State.OPEN, looks=number - 1)
    return bool(mine.update(looks=number, **changes))


def summary(proof: certificates.Certificate | None, plan: Weighed | None) -> str:
    found = f"The classifier may decide {proof.accepted:,} items." if proof else "The audit has certified nothing new."
    if plan is None:
        return f"{found} At no threshold could more audits still prove it right often enough."
    if plan.audits and not plan.affordable:
        return f"{found} {plan.reason} The budget does not pay for them."
    return f"{found} {plan.reason}"


# --- what is certified -----------------------------------------------------------------------------------------------


def better(proof: certificates.Certificate | None, earlier: Certificate | None):
    """The proof, if it accepts more than what stands."""
    return None if proof and earlier and proof.threshold >= earlier.threshold else proof


def mask_of(case: Case, proof: certificates.Certificate) -> np.ndarray:
    """(rows,) bool by array row: what it accepts. What people decided since is among it, and theirs to deliver."""
    mask = np.zeros(case.frozen.rows.max() + 1, bool)
    mask[case.frozen.rows[certificates.accepted(proof, case.frozen.confidence, case.places)]] = True
    return mask


def issue(audit: Audit, proof: certificates.Certificate, pointer: dict, now: datetime) -> Certificate:
    """The certificate stands: what it accepts is asked of nobody any more."""
    withdraw(audit.project, "A later look accepts more.", now)
    certificate = Certificate.objects.create(
        project=audit.project, audit=audit, run=audit.run, threshold=proof.threshold, share=proof.alpha,
        confidence=audit.confidence, look=proof.look, accepted=proof.accepted, audited=proof.audited,
        wrong=proof.wrong, bound=proof.bound, items=pointer, made=now,
    )  # fmt: skip
    take_back(audit.project, certificate.places())
    return certificate


def take_back(project: Project, mask: np.ndarray) -> int:
    """Withdraw what is asked to teach about items that are accepted. mask: (rows,) bool by array row."""
    teaching = Query.objects.filter(project=project).open().teaching()
    shown = QueryItem.objects.filter(query__in=teaching).values_list("query", "item__row")
    needless = {query for query, row in shown if row < len(mask) and mask[row]}
    return Query.objects.open().filter(pk__in=needless).update(state=Query.State.WITHDRAWN)


# --- what is withdrawn -----------------------------------------------------------------------------------------------


def contradicted(earlier: Certificate, case: Case, number: int) -> bool:
    """By what was audited since, of the items that it accepts."""
    mask = arrays.load(earlier.items)
    rows = case.frozen.rows[case.places]
    since = (rows < len(mask)) & mask[np.minimum(rows, len(mask) - 1)]
    said = certificates.Certificate(
        earlier.threshold, earlier.accepted, earlier.audited, earlier.wrong, earlier.bound, earlier.share,
        1 - earlier.confidence, earlier.look,
    )  # fmt: skip
    return certificates.contradicted(
        said, int(since.sum()), int(case.wrong[since].sum()), said.delta, number - earlier.look
    )


def refute(audit: Audit, number: int, now: datetime) -> bool:
    reason = f"Of the items it accepted a later audit found too many wrong for at most {audit.share:.1%} to be."
    with transaction.atomic():
        taken = moved(audit, number, state=Audit.State.ENDED, ended=now, reason=reason)
        if taken:
            withdraw(audit.project, reason, now)
    return taken


def withdraw(project: Project, reason: str, now: datetime) -> bool:
    """The certificate that stands does so no longer; what it accepted is open again."""
    return bool(Certificate.objects.standing().filter(project=project).update(withdrawn=now, reason=reason[:300]))
