"""How the API says no: {code, message, field?, row?}, whatever went wrong.

`field` names the value at fault, `row` its place in a list, counted from 1. A 4xx has changed nothing.
"""

import logging
from collections.abc import Mapping

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, JsonResponse, UnreadablePostError
from django.views import defaults
from rest_framework.response import Response
from rest_framework.views import exception_handler

from labeling import accepting, answering, asking, opening, training
from rewards import ledger

log = logging.getLogger(__name__)


class Refusal(Exception):
    """No, with this status and these words. Further keys may follow what every refusal has."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None, row: int | None = None, **more):
        super().__init__(message)
        named = {"field": field and echo(field), "row": row}
        self.status = status
        self.body = {"code": code, "message": echo(message)} | {k: v for k, v in named.items() if v is not None} | more


def echo(text: str) -> str:
    """What may repeat something that was sent, as a reply can hold it: in short, and valid Unicode."""
    return text[:500].encode(errors="replace").decode()


def reply(error: Exception, context=None) -> Response:
    """Every exception of an API view, as a reply; REST_FRAMEWORK's EXCEPTION_HANDLER."""
    if response := exception_handler(error, context):  # status and headers are the framework's
        response.data = first(response.data)
        return response
    refusal = refusal_of(error)
    if refusal.status >= 500:
        log.error("%s could not be answered", getattr(context.get("request"), "path", "?"), exc_info=error)
    headers = {"Retry-After": "1"} if refusal.status == 503 else None
    return Response(refusal.body, refusal.status, headers=headers)


def refusal_of(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    for kind, refuse in REFUSALS.items():
        if isinstance(error, kind):
            return refuse(error)
    sentence = "Something went wrong on the server; its log says what. Try again: what was acknowledged is kept."
    return Refusal(500, "server_error", sentence)


def limit() -> str:
    return f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 2**20:.3g} MB"


def answer_refused(error: answering.AnswerRefused) -> Refusal:
    """Without a field there is nothing in the answer to mend: the assignment is in another state."""
    return Refusal(400 if error.field else 409, error.code, str(error), error.field)


def says(status: int, code: str, sentence: str = ""):
    return lambda error: Refusal(status, code, sentence or str(error), getattr(error, "field", None))


# The first that fits: a kind stands before those it belongs to.
REFUSALS = {
    answering.AnswerRefused: answer_refused,
    asking.NotHeld: says(409, "not_held", "The assignment is no longer yours: answered, given back or expired."),
    opening.Refused: says(400, "refused"),
    accepting.CannotAudit: says(409, "cannot_audit"),
    training.CannotLearn: says(409, "cannot_learn"),
    ledger.DaySpent: says(409, "day_spent"),
    ledger.BudgetExhausted: says(409, "budget_exhausted"),
    ledger.InsufficientBalance: says(409, "insufficient_balance"),
    ledger.LedgerRefusal: says(409, "money_refused"),
    Http404: says(404, "not_found", "The API has no such address. Its own begin with /api/v1/."),
    RequestDataTooBig: lambda error: Refusal(413, "too_large", f"A request holds at most {limit()}. Send it in parts."),
    SuspiciousOperation: says(400, "bad_request", "The request is malformed."),
    UnreadablePostError: says(400, "cut_off", "The request ended before its body did. Send it again."),
    OperationalError: says(503, "busy", "The database is busy. Nothing was changed; try again in a moment."),
}


def first(detail, field: str | None = None, row: int | None = None) -> dict:
    """The first of the framework's nested errors: the innermost name is the field, the outermost place the row."""
    if isinstance(detail, Mapping):
        name, inner = next(iter(detail.items()))
        if isinstance(name, int):
            return first(inner, field, row or name + 1)
        return first(inner, field if name in ("detail", "non_field_errors") else name, row)
    if isinstance(detail, list):
        place, inner = next((place, inner) for place, inner in enumerate(detail, 1) if inner)
        nested = isinstance(inner, Mapping | list)
        return first(inner, field, row or place if nested else row)
    return Refusal(0, detail.code, str(detail), field, row).body


# --- what fails before or beside the API's own views ------------------------------------------------------------------


def unknown(request, *args, **kwargs):
    """An address under the API that names nothing."""
    raise Refusal(404, "not_found", f"The API has no address {request.path}. Addresses end with a slash.")


def handler(status: int, fallback):
    """Django's handler for this status: JSON for the API, its own page elsewhere."""

    def handle(request, exception=None):
        if not request.path_info.startswith("/api/"):
            return fallback(request, exception) if status < 500 else fallback(request)
        refusal = refusal_of(exception)
        return JsonResponse(refusal.body, status=status)

    return handle


bad_request = handler(400, defaults.bad_request)
not_found = handler(404, defaults.page_not_found)
server_error = handler(500, defaults.server_error)
