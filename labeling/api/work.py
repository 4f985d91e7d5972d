"""A worker's doors: the next query, its answer, giving it back, and undoing."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.response import Response

from labeling import answering, asking, waiting
from labeling.api.bodies import Number, OnOff, Text, Whole, asked, read
from labeling.api.doors import get, post
from labeling.api.finding import assignment_for, worker_for
from labeling.api.idempotency import amend, idempotent
from labeling.api.items import ItemSerializer
from labeling.api.refusals import Refusal
from labeling.kinds import KINDS, Cell
from labeling.models import Assignment, Query
from rewards import ledger

KIND = [(kind.name, kind.title) for kind in KINDS.values()]


# --- what an assignment reads ----------------------------------------------------------------------------------------


class AssignmentSerializer(serializers.Serializer):
    """One query offered to you at a fixed reward: each of its items with each of its categories is to be judged."""

    id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(KIND, source="query.kind")
    items = ItemSerializer(many=True, source="query.item_list")
    categories = serializers.ListField(child=serializers.CharField(), source="query.category_list")
    reward = serializers.IntegerField(help_text="In the smallest unit of the project's currency.")
    test = serializers.BooleanField(help_text="Part of the qualification test, which is not paid.")
    expires_at = serializers.DateTimeField(source="expires")
    reopened = serializers.BooleanField(help_text="Undone: to be corrected. No money moves.")

    def to_representation(self, assignment: Assignment) -> dict:
        for item in assignment.query.item_list:
            item.project = assignment.query.project
        return super().to_representation(assignment)


def said(request, assignment: Assignment) -> dict:
    return AssignmentSerializer(assignment, context={"request": request}).data


SHOWN = {
    "id": 17,
    "kind": "items",
    "items": [
        {"id": "a1", "media": "text", "text": "The room was quiet."},
        {"id": "a2", "media": "text", "text": "Never again."},
    ],
    "categories": ["good"],
    "reward": 20,
    "test": False,
    "expires_at": "2030-01-01T12:10:00Z",
    "reopened": False,
}
ASSIGNMENT = OpenApiResponse(AssignmentSerializer, "A query to answer.", [OpenApiExample("Which are good?", SHOWN)])

# --- next ------------------------------------------------------------------------------------------------------------

REASON, SENTENCE = "Reason", "Reason-Message"
REASONS = [
    OpenApiParameter(
        REASON,
        str,
        OpenApiParameter.HEADER,
        response=[204],
        enum=list(asking.SENTENCES),
        description="Why there is none.",
    ),
    OpenApiParameter(SENTENCE, str, OpenApiParameter.HEADER, response=[204], description="The same for people."),
]


class Holding(serializers.Serializer):
    holding = serializers.ListField(
        child=Whole(min_value=0), required=False, max_length=100, help_text="Assignments you have and want no more of."
    )


class NextSerializer(Holding):
    pass


@post({200: ASSIGNMENT, 204: None}, NextSerializer, parameters=REASONS)
@idempotent
def next_query(request, project):
    """Ask for the next query.

    An assignment you hold and did not name, or a new one. 204 if there is none, with the reason in a header.
    """
    worker = worker_for(request.user, project)
    holding = read(request, NextSerializer).get("holding", ())
    try:
        return Response(said(request, asking.next_assignment(worker, holding, now=timezone.now())))
    except asking.NothingToAsk as reason:
        return Response(status=204, headers={REASON: reason.code, SENTENCE: reason.sentence})


class WaitsSerializer(serializers.Serializer):
    """What waits for you in one project."""

    project = serializers.CharField(source="project.slug")
    name = serializers.CharField(source="project.name")
    waiting = serializers.IntegerField(source="count", help_text=f"Queries that wait, counted to {waiting.MOST}.")
    reward = serializers.IntegerField(help_text="What the next one pays, in the smallest unit of the currency.")
    total = serializers.IntegerField(help_text="What all of these would pay.")
    currency = serializers.CharField(source="project.budget.currency")
    barred = serializers.CharField(help_text="Why nothing is offered to you whatever is open; empty if nothing does.")


@get(WaitsSerializer(many=True))
def waits(request):
    """All the projects you work in, those first in which most is to earn."""
    return Response(WaitsSerializer(waiting.of(request.user, timezone.now()), many=True).data)


# --- answer ----------------------------------------------------------------------------------------------------------


class JudgmentSerializer(serializers.Serializer):
    item = Text(help_text="Its id.")
    category = Text(help_text="Its name.")
    degree = Number(min_value=0, max_value=1, help_text="How strongly the item belongs to the category: 0 no, 1 yes.")


class AnswerSerializer(Holding):
    """Of an `items` query leave out those you cannot tell; of a `categories` query those that do not apply."""

    judgments = JudgmentSerializer(many=True)


class AnsweredSerializer(serializers.Serializer):
    """What became of an answer; `next` and `reason` only if the next was asked for."""

    paid = serializers.IntegerField()
    balance = serializers.IntegerField(help_text="Yours in this project, after it.")
    counted = serializers.BooleanField(help_text="It makes consensus; a late answer may not.")
    repeated = serializers.BooleanField(help_text="It had been recorded before; the first one stands.")
    message = serializers.CharField(help_text="A sentence, where there is something to say.")
    next = AssignmentSerializer(required=False, allow_null=True)
    reason = serializers.ChoiceField(
        [(code, code) for code in asking.SENTENCES],
        required=False,
        allow_null=True,
        help_text="Why there is no next one.",
    )


class AfterSerializer(serializers.Serializer):
    next = OnOff(default=False, help_text="1: the next assignment in the same reply.")


JUDGED = {
    "judgments": [{"item": "a1", "category": "good", "degree": 1}, {"item": "a2", "category": "good", "degree": 0}]
}
PAID = {"paid": 20, "balance": 320, "counted": True, "repeated": False, "message": "", "next": None, "reason": "others"}
ANSWERED = OpenApiResponse(AnsweredSerializer, "Recorded.", [OpenApiExample("Paid, and nothing left", PAID)])


@post(
    ANSWERED,
    AnswerSerializer,
    parameters=[AfterSerializer],
    examples=[OpenApiExample("One of two is good", JUDGED, request_only=True)],
)
def answer(request, assignment):
    """Answer an assignment.

    Recorded and paid once, however often it is sent: without an idempotency key the assignment is the key. With
    `?next=1` the next query comes in the same reply; that there is none, or none that can be paid, undoes nothing.
    """
    after = asked(request, AfterSerializer)["next"]
    assignment = assignment_for(request.user, assignment)
    assignment.query.cells()  # read before the transaction: on SQLite nobody else writes while it lasts
    reply = recorded(request, assignment)
    if after and "next" not in reply.data:  # in a transaction of its own
        reply.data |= following(request, assignment.worker)
        amend(request, reply.data)
    return reply


@idempotent
def recorded(request, assignment: Assignment) -> Response:
    degrees = degrees_of(assignment.query, read(request, AnswerSerializer)["judgments"])
    outcome = answering.record(assignment, degrees, now=timezone.now())
    worker = assignment.worker
    return Response(
        {
            "paid": outcome.paid,
            "balance": ledger.balance(worker.user, worker.project.budget),
            "counted": outcome.counted,
            "repeated": outcome.repeated,
            "message": outcome.sentence,
        }
    )


def degrees_of(query: Query, judgments: list[dict]) -> dict[Cell, float]:
    """The cells that a client names by identifier and name; raises a Refusal that says which it cannot have meant."""
    items = {item.identifier: item.pk for item in query.item_list}
    categories = {category.name: category.pk for category in query.category_list}
    degrees = {}
    for row, one in enumerate(judgments, 1):
        cell = Cell(
            named(items, one["item"], "item", "The query shows no item", row),
            named(categories, one["category"], "category", "The query does not ask about", row),
        )
        if cell in degrees:
            raise Refusal(400, "judged_twice", "The same item and category are judged twice.", "judgments", row)
        degrees[cell] = one["degree"]
    return degrees


def named(known: dict, name: str, field: str, sentence: str, row: int) -> int:
    if name not in known:
        raise Refusal(400, f"unknown_{field}", f"{sentence} “{name[:80]}”.", field, row)
    return known[name]


def following(request, worker) -> dict:
    holding = read(request, AnswerSerializer).get("holding", ())
    try:
        return {"next": said(request, asking.next_assignment(worker, holding, now=timezone.now())), "reason": None}
    except asking.NothingToAsk as reason:
        return {"next": None, "reason": reason.code}


# --- giving back and undoing -----------------------------------------------------------------------------------------


class GivenBackSerializer(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    state = serializers.ChoiceField(Assignment.State.choices)


class SkipSerializer(serializers.Serializer):
    reason = serializers.ChoiceField([("skip", "Skip"), ("cannot_tell", "Cannot tell")], default="skip")
    note = Text(max_length=500, allow_blank=True, default="")


@post(GivenBackSerializer, SkipSerializer)
@idempotent
def skip(request, assignment):
    """Skip a query, or say that you cannot tell.

    Somebody else is asked. An answer that you reopened stays as it was.
    """
    assignment = assignment_for(request.user, assignment)
    given = read(request, SkipSerializer)
    if assignment.reopened:
        answering.keep(assignment)
    else:
        asking.give_back(assignment, given["reason"], note=given["note"], now=timezone.now())
    assignment.refresh_from_db()
    return Response(GivenBackSerializer(assignment).data)


class BrokenSerializer(serializers.Serializer):
    items = serializers.ListField(
        child=Text(),
        required=False,
        max_length=100,
        help_text="Ids of the broken items; of a query with one item, that one.",
    )
    note = Text(max_length=500, allow_blank=True, default="")


@post(GivenBackSerializer, BrokenSerializer)
@idempotent
def report(request, assignment):
    """Report broken items and give the query back."""
    assignment = assignment_for(request.user, assignment)
    given = read(request, BrokenSerializer)
    broken = broken_items(assignment.query, given.get("items"))
    asking.give_back(assignment, "broken", note=given["note"], broken=broken, now=timezone.now())
    assignment.refresh_from_db()
    return Response(GivenBackSerializer(assignment).data)


def broken_items(query: Query, names: list[str] | None) -> list:
    items = {item.identifier: item for item in query.item_list}
    if not names and len(items) > 1:
        raise Refusal(400, "which", "Name the items that are broken.", "items")
    names = names or list(items)
    for row, name in enumerate(names, 1):
        named(items, name, "item", "The query shows no item", row)
    return [items[name] for name in dict.fromkeys(names)]


@post(ASSIGNMENT)
@idempotent
def undo(request, assignment):
    """Reopen an answer for correction.

    No money moves, and the old answer stands until the new one replaces it. Refused once a run has learned from it.
    """
    assignment = assignment_for(request.user, assignment)
    return Response(said(request, answering.undo(assignment.worker, assignment)))
