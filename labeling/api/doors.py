"""A door: an address with one function for each method it takes, and what the OpenAPI document says of them."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from labeling.api import bodies, idempotency
from labeling.api.refusals import Refusal

# JSON Lines has no registered media type; clients use these.
LINES = ("application/x-ndjson", "application/jsonlines", "application/x-jsonlines")
ALSO = dict.fromkeys(LINES, bodies.JsonLines.media_type)


class OneForm(BaseContentNegotiation):
    """Each reply has one form; what a client would rather have does not change it."""

    def select_parser(self, request, parsers):
        named = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == ALSO.get(named, named)), None)

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class Door(APIView):
    parser_classes = (bodies.Json,)
    content_negotiation_class = OneForm

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if request.headers.get("Transfer-Encoding") and not request.META.get("CONTENT_LENGTH"):  # read as empty
            raise Refusal(
                411, "length_required", "Say how long the body is by Content-Length; do not send it in chunks."
            )


class Open(Door):
    """For everybody: who asks is not looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


def door(kind: type[Door] = Door, *, parsers=None, **methods):
    """A view of functions by method: door(get=listed, post=added)."""
    fields = {method: staticmethod(function) for method, function in methods.items()}
    if parsers:
        fields["parser_classes"] = parsers
    return type("Door", (kind,), fields).as_view()


class RefusalSerializer(serializers.Serializer):
    """What every refusal says."""

    code = serializers.CharField(help_text="For programs; it stays when the sentence is reworded.")
    message = serializers.CharField(help_text="A sentence for people: what, where, and what to do.")
    field = serializers.CharField(required=False, help_text="The value at fault.")
    row = serializers.IntegerField(required=False, help_text="Its place in a list, counted from 1.")


REFUSED = OpenApiResponse(
    RefusalSerializer,
    "Refused; nothing was changed. 400 malformed, 401 no valid token, 403 not in your role, 404 not there for you, "
    "405 not that method, 409 not in this state, 411 no Content-Length, 413 too large, 415 not that media type, "
    "422 an idempotency key of another request, 429 too often, 503 busy.",
    [OpenApiExample("Refused", {"code": "unknown_item", "message": "No item “c7” here.", "field": "item", "row": 2})],
)


def described(replies, *, body=None, parameters=(), **more):
    """Document a view: its name is the operation's, its module the subject, its docstring the text."""
    replies = replies if isinstance(replies, dict) else {200: replies}

    def decorated(view):
        title, _, text = (view.__doc__ or "").partition("\n")
        return extend_schema(
            operation_id=view.__name__,
            tags=[view.__module__.rpartition(".")[2]],
            summary=title.strip().rstrip("."),
            description=" ".join(text.split()),
            request=body,
            responses=replies | {"default": REFUSED},
            parameters=list(parameters),
            **more,
        )(view)

    return decorated


def get(replies, **more):
    return described(replies, **more)


def post(replies, body=None, parameters=(), **more):
    """A POST takes an idempotency key."""
    parameters = [*parameters, idempotency.HEADER, idempotency.REPLAYED]
    return described(replies, body=body, parameters=parameters, **more)
