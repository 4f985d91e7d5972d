"""An answer, from the click to the money: judgments, consensus, payment and the next retraining, in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction

from labeling import accepting, agreeing, checking, ending, selecting, training
from labeling.kinds import KINDS, Cell
from labeling.models import Assignment, Judgment, Member, Query, TrainingRun
from rewards import ledger

ASKED = (Assignment.State.LIVE, Assignment.State.ANSWERED)
UNDO_LIMIT = 20  # answers after which an earlier one can no longer be taken up again
LEARNED = "The classifier is learning from this answer or has learned from it already, so it stays as it was."


class AnswerRefused(Exception):
    """The answer cannot be taken; the sentence says why, `code` and `field` for clients."""

    def __init__(self, sentence: str, code: str = "refused", field: str | None = None):
        super().__init__(sentence)
        self.code, self.field = code, field


@dataclass(frozen=True)
class Outcome:
    """What became of an answer. `counted`: it makes consensus; `repeated`: it had been recorded before."""

    assignment: Assignment
    paid: int
    counted: bool = True
    repeated: bool = False
    sentence: str = ""


def record(assignment: Assignment, degrees: Mapping[Cell, float], *, now: datetime) -> Outcome:
    """Fill the assignment's rectangle with these degrees. A second click, a retry or a late answer never pays twice."""
    degrees = checked(assignment.query, degrees)
    read_ahead(assignment)
    with transaction.atomic():
        outcome = recorded(assignment, degrees, now)
    if outcome.counted and not outcome.repeated:
        selecting.refill_if_low(assignment.query.project, now)
    return outcome


def recorded(assignment: Assignment, degrees: Mapping[Cell, float], now: datetime) -> Outcome:
    """What becomes of an answer, within a transaction."""
    if finish(assignment, Assignment.State.LIVE, earned(assignment, degrees), now):
        return rewarded(assignment, heard(assignment, degrees, now), now)
    assignment.refresh_from_db()
    if assignment.reopened:
        return correct(assignment, degrees, now)
    return REPLIES[assignment.state](assignment, degrees, now)


def read_ahead(assignment: Assignment) -> None:
    """Read before the transaction what cannot change: on SQLite nobody else writes while it lasts."""
    project = assignment.query.project
    _ = assignment.reservation, assignment.worker.user, project.budget, project.category_keys


def checked(query: Query, degrees: Mapping[Cell, float]) -> dict[Cell, float]:
    """The degrees of this query's cells and of no others; a rectangle with nothing answered is no answer."""
    cells = set(query.cells())
    for cell, degree in degrees.items():
        if cell not in cells:
            raise AnswerRefused("The answer names a cell that was not asked.", "unknown_cell", "judgments")
        if not 0 <= degree <= 1:
            raise AnswerRefused("A degree is a number from 0 to 1.", "bad_degree", "degree")
    implied = KINDS[query.kind].implied
    if not degrees and not implied:
        raise AnswerRefused("Nothing was answered. Skip the query if you cannot tell.", "empty", "judgments")
    if implied and query.project.exclusive and sum(degrees.values()) <= 0:
        raise AnswerRefused("Choose one category, or say that you cannot tell.", "empty", "judgments")
    if query.project.exclusive and implied and sum(degree > 0 for degree in degrees.values()) > 1:
        raise AnswerRefused("Choose only one category: items here have exactly one.", "too_many", "judgments")
    return {cell: float(degree) for cell, degree in degrees.items() if degree > 0 or not implied}


def earned(assignment: Assignment, degrees: Mapping[Cell, float]) -> int:
    """The reward, or of a grid answered in part the same part of it, rounded down."""
    cells = len(assignment.query.cells())
    answered = cells if KINDS[assignment.query.kind].implied else len(degrees)
    return assignment.reward * answered // cells


def finish(assignment: Assignment, state: str, amount: int, now: datetime) -> bool:
    """Submit an assignment that is live (or expired); a second click or a second machine loses here.

    Due but not swept yet is live: that is not too late.
    """
    done = {"state": Assignment.State.ANSWERED, "finished": now, "paid": amount}
    won = Assignment.objects.filter(pk=assignment.pk, state=state).update(reopened=False, **done)
    if won:
        vars(assignment).update(done)
    return bool(won)


def heard(assignment: Assignment, degrees: Mapping[Cell, float], now: datetime) -> agreeing.Renewed:
    """The answer stands: store it and agree anew on its cells."""
    store(assignment, degrees, now)
    return agree(assignment, degrees, now, before={})


def agree(assignment: Assignment, degrees, now: datetime, before: Mapping[Cell, float]) -> agreeing.Renewed:
    """before: the judgments that those now stored replaced."""
    checking.pretend(assignment, degrees, now)
    return agreeing.renew(assignment, now, before)


def rewarded(assignment: Assignment, renewed: agreeing.Renewed, now: datetime) -> Outcome:
    """Pay for the answer, release what is not paid, and learn from it when enough has come together."""
    query = assignment.query
    closed = agreeing.close_if_answered(query, accepting.settled(query, renewed.settled))
    if not closed and query.purpose in agreeing.TRAINING:
        agreeing.close_if_idle(query, renewed.value, assignment.reward)
    ledger.post(assignment.reservation, assignment.worker.user, assignment.paid, key=f"answer {assignment.pk}")
    if renewed.fresh and query.purpose in agreeing.TRAINING:
        training.request_if_due(query.project, now)
    return Outcome(assignment, assignment.paid)


def store(assignment: Assignment, degrees: Mapping[Cell, float], now: datetime, **fields) -> None:
    Judgment.objects.bulk_create(
        Judgment(
            assignment=assignment,
            worker_id=assignment.worker_id,
            item_id=cell.item,
            category_id=cell.category,
            degree=degree,
            created=now,
            **fields,
        )
        for cell, degree in degrees.items()
    )


def correct(assignment: Assignment, degrees: Mapping[Cell, float], now: datetime) -> Outcome:
    """Replace the judgments of a reopened assignment, unless a run has read them meanwhile. No money moves."""
    if not Assignment.objects.filter(pk=assignment.pk, reopened=True).update(reopened=False):
        return repeated(assignment, degrees, now)
    assignment.reopened = False
    if learned_from(assignment, hold=True):
        return Outcome(assignment, assignment.paid or 0, repeated=True, sentence=LEARNED)
    before = {
        Cell(*row[:2]): row[2] for row in assignment.judgments.standing().values_list("item", "category", "degree")
    }
    assignment.judgments.standing().update(replaced=now)
    store(assignment, degrees, now)
    settled = agree(assignment, degrees, now, before).settled
    agreeing.close_if_answered(assignment.query, accepting.settled(assignment.query, settled))
    return Outcome(assignment, assignment.paid or 0, sentence="Your answer was corrected. Its reward stays the same.")


def repeated(assignment: Assignment, degrees, now: datetime) -> Outcome:
    """The same reply as the first time."""
    return Outcome(assignment, assignment.paid or 0, repeated=True)


def late(assignment: Assignment, degrees: Mapping[Cell, float], now: datetime) -> Outcome:
    """After expiry: taken at the offered price if place and money can be had again, else kept, unpaid, uncounted."""
    again = Assignment.objects.filter(query=assignment.query_id, worker=assignment.worker_id).exclude(
        state=Assignment.State.EXPIRED
    )
    if successor := again.first():  # the same query was offered to this worker anew: the answer is to that offer
        return recorded(successor, degrees, now)
    try:
        with transaction.atomic():
            return regained(assignment, degrees, now)
    except (PlaceTaken, ledger.BudgetExhausted):
        kept = {"state": Assignment.State.LATE, "finished": now, "paid": 0}
        vars(assignment).update(kept)
        Assignment.objects.filter(pk=assignment.pk).update(**kept)
        store(assignment, degrees, now, replaced=now)
        return unpaid(assignment, degrees, now)


class PlaceTaken(Exception):
    """Others were asked meanwhile, or the same worker was asked about a cell of it by another query."""


def regained(assignment: Assignment, degrees: Mapping[Cell, float], now: datetime) -> Outcome:
    """Raises PlaceTaken or BudgetExhausted, for the caller to take everything back. The money's row is locked last."""
    query = assignment.query
    if not finish(assignment, Assignment.State.EXPIRED, earned(assignment, degrees), now):
        return recorded(assignment, degrees, now)  # a second click won
    if asked_elsewhere(assignment):
        raise PlaceTaken
    try:
        renewed = heard(assignment, degrees, now)
    except IntegrityError:  # answered by another query at this very moment: a worker judges a cell once
        raise PlaceTaken from None
    if not query.take_place():
        raise PlaceTaken
    assignment.reservation = ending.reserve(query.project, assignment.reward, f"query {query.pk}, late", now)
    Assignment.objects.filter(pk=assignment.pk).update(reservation=assignment.reservation)
    return rewarded(assignment, renewed, now)


def asked_elsewhere(assignment: Assignment) -> bool:
    """Does this worker hold another query about one of these cells, or has answered it?"""
    query = assignment.query
    held = Assignment.objects.filter(worker=assignment.worker_id, state__in=ASKED).exclude(pk=assignment.pk)
    others = Query.objects.filter(assignments__in=held, query_items__item__in=[item.pk for item in query.item_list])
    categories = [category.pk for category in query.category_list]
    return others.filter(query_categories__category__in=categories).exists()


def unpaid(assignment: Assignment, degrees, now: datetime) -> Outcome:
    sentence = "This answer came too late: others had been asked meanwhile. It is kept, but neither paid nor counted."
    return Outcome(assignment, 0, counted=False, sentence=sentence)


def refused(assignment: Assignment, degrees, now: datetime) -> Outcome:
    raise AnswerRefused("You gave this query back, so it cannot be answered any more.", "given_back")


REPLIES = {
    Assignment.State.ANSWERED: repeated,
    Assignment.State.EXPIRED: late,
    Assignment.State.LATE: unpaid,
    Assignment.State.GIVEN_BACK: refused,
}


def undo(worker: Member, assignment: Assignment | None = None) -> Assignment:
    """Reopen an answered assignment (the last one, if none is named) for correction; raises AnswerRefused."""
    answered = Assignment.objects.answered().filter(worker=worker).order_by("-finished", "-pk")
    last = answered.filter(pk=assignment.pk).first() if assignment else answered.first()
    if last is None:
        raise AnswerRefused("There is no answer of yours to undo.", "nothing_to_undo")
    if answered.filter(finished__gt=last.finished)[:UNDO_LIMIT].count() >= UNDO_LIMIT:
        raise AnswerRefused(f"An answer can be undone until {UNDO_LIMIT} others have followed.", "too_many_followed")
    if learned_from(last):
        raise AnswerRefused(LEARNED, "learned")
    with transaction.atomic():
        Assignment.objects.filter(worker=worker, reopened=True).update(reopened=False)
        Assignment.objects.answered().filter(pk=last.pk).update(reopened=True)
    last.reopened = True
    return last


def learned_from(assignment: Assignment, hold: bool = False) -> bool:
    """May a run have read this answer? hold: no queued run starts before the caller's transaction ends."""
    runs = TrainingRun.objects.filter(project=assignment.worker.project_id)
    if hold and connection.features.has_select_for_update:
        list(runs.pending().select_for_update().values("pk"))
    began = runs.done().filter(started__gte=assignment.finished)
    return runs.filter(state=TrainingRun.State.RUNNING).exists() or began.exists()


def keep(assignment: Assignment) -> None:
    """Leave a reopened answer as it was."""
    Assignment.objects.filter(pk=assignment.pk, reopened=True).update(reopened=False)
