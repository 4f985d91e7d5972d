"""Does an audit pay? What it would cost and let the classifier decide, said before anybody is asked."""

from typing import NamedTuple

import numpy as np

from labeling import quoting
from labeling.accepting import auditing
from labeling.models import Project
from segmentation import certificates, promotion

RIGHT = 0.99  # of the audited items: an answer must lead by so many people that they are right as often
MOST_LEAD = 5
LEAST_MARGIN = 0.2  # by so much at least the people of an audit are right rather than wrong


class Prices(NamedTuple):
    """What people get for one item: audited, and decided without a certificate, but for no more than knowing an item is
    worth to the project. In answers where nothing is paid.

    lead: people by whom an audited answer must lead; right: of how many audited items they then tell the truth.
    """

    lead: int
    audit: float
    answers: float
    right: float
    unit: str


class Weighed(NamedTuple):
    """An audit that pays, or with `audits` 0 the reason why none does; cost and saving in `unit`."""

    lead: int
    audits: int
    cost: int
    accepted: int
    saved: int
    items: int
    unit: str
    affordable: bool
    reason: str


def prices(project: Project) -> Prices:
    """For the median worker. An audit asks until one answer leads: the more reliable people are, the sooner."""
    facts = quoting.facts(0.0, project.columns, [], quoting.conditions(project))
    row = quoting.quote_ahead(project, [("categories", facts)])[0]
    rating = max(quoting.median_rating(project), (1 + LEAST_MARGIN) / 2)
    workers = project.members.workers().present().trusted().count()
    walks = {
        lead: walk(rating, lead, workers) for lead in range(project.audit_lead, max(MOST_LEAD, project.audit_lead) + 1)
    }
    enough = (lead for lead, (right, _) in walks.items() if right >= RIGHT)
    lead = next(enough, max(walks, key=lambda lead: walks[lead][0]))
    right, people = walks[lead]
    unit = project.budget.currency if row else "answers"
    decided = max(row, 1) * project.agree_count
    if row and project.item_worth is not None:
        decided = min(decided, project.item_worth)  # nobody would pay more for it, so no more is saved
    return Prices(lead, max(row, 1) * people, decided, right, unit)


def walk(rating: float, lead: int, workers: int) -> tuple[float, float]:
    """How often the true answer is the one that comes to lead by so many people, and how many are asked: a random walk
    between two walls, of as many steps as there are people."""
    at, right, people = np.zeros(2 * lead + 1), 0.0, 0.0
    at[lead] = 1.0
    for _ in range(min(workers, auditing.places(lead))):
        people += at.sum()
        at = rating * np.append(0.0, at[:-1]) + (1 - rating) * np.append(at[1:], 0.0)
        right += at[-1]
        at[[0, -1]] = 0.0
    return float(right), float(people)


def weigh(project: Project, confidence: np.ndarray) -> Weighed:
    """Before an audit, as far as the classifier's confidences may be believed. confidence: (n,) of the pool."""
    cost, risk, believed = prices(project), 1 - project.accept_confidence, sobered(project, confidence)
    workers = project.members.workers().present().trusted().count()
    if workers < cost.lead:
        reason = (
            f"An audited answer must lead by {cost.lead} people, as reliable as they are; there are {workers} workers."
        )
        return weighed(project, certificates.Plan(0, 0.0, 0.0, reason), cost, len(confidence))
    plan = certificates.worth_auditing(believed, project.accept_share, risk, cost.audit, cost.answers, cost.right)
    return weighed(project, plan, cost, len(confidence))


def sobered(project: Project, confidence: np.ndarray) -> np.ndarray:
    """(n,) confidences with doubts as much larger as the exam finds them too small, so that no audit is wasted."""
    figures = project.published.metrics
    accuracy, expected = figures.get("accuracy"), figures.get("exam_confidence")
    if accuracy is None or expected is None or figures.get("exam_items", 0) < promotion.ENOUGH:
        return confidence
    ratio = (1 - accuracy) / max(1 - expected, 1e-3)
    return np.clip(1 - (1 - confidence) * max(1.0, ratio), 0.0, 1.0)


def hopeful(project: Project, confidence: np.ndarray, nearly: float, beforehand: float) -> bool:
    """Could an audit be due, for all that is known without imagining one? Quick, as it is asked at every refill."""
    doubt = np.sort(1 - sobered(project, confidence))
    sure = np.cumsum(doubt) <= project.accept_share * np.arange(1, len(doubt) + 1)
    most = len(doubt) / 2 * prices(project).audit
    return bool(sure.mean() >= nearly if len(sure) else False) or quoting.left(project) < beforehand * most


def weigh_on(case, accepted: int) -> Weighed:
    """After a look, by what the audits so far have found. accepted: what is certified already."""
    audit = case.audit
    cost = prices(audit.project)
    plan = certificates.worth_going_on(
        *case.tested, cost.audit, cost.answers,
        wanted=audit.wanted, look=audit.looks + 1, lowest=case.lowest, accepted=accepted,
    )  # fmt: skip
    return weighed(audit.project, plan, cost, len(case.frozen.rows))


def weighed(project: Project, plan: certificates.Plan, cost: Prices, items: int) -> Weighed:
    total = round(plan.audits * cost.audit)
    affordable = cost.unit == "answers" or total <= quoting.left(project)
    accepted, saved = round(plan.accepted), round(plan.saved)
    reason = plan.reason
    if plan.audits:
        reason = (
            f"{plan.audits:,} audited items, for about {total:,} {cost.unit}, may let the classifier decide "
            f"{accepted:,} of {items:,} items and save about {saved:,} {cost.unit}."
        )
    return Weighed(cost.lead, plan.audits, total, accepted, saved, items, cost.unit, affordable, reason)
