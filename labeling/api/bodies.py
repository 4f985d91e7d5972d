"""What comes in: strict JSON, and fields that take a value only for what it is: neither `true` nor "5" is a number."""

import io
import json
import math

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, MultiPartParser

DEPTH = 20  # levels of lists and objects in one another


def body_of(request) -> bytes:
    """The whole body, kept so that the idempotency key's hash can read it too; too large a one raises."""
    return getattr(request, "_request", request).body


class Json(BaseParser):
    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        return parsed(body_of(parser_context["request"]))


class JsonLines(BaseParser):
    """Lines are read by the import, which names the bad ones and keeps the others."""

    media_type = "application/jsonl"

    def parse(self, stream, media_type=None, parser_context=None):
        return io.BytesIO(body_of(parser_context["request"]))


class JsonOrLines(Json):
    """A JSON array; one object, or one a line, is read as JSON Lines whatever the client calls it."""

    def parse(self, stream, media_type=None, parser_context=None):
        body = body_of(parser_context["request"])
        return io.BytesIO(body) if body.lstrip()[:1] == b"{" else parsed(body)


class Files(MultiPartParser):
    def parse(self, stream, media_type=None, parser_context=None):
        body = io.BytesIO(body_of(parser_context["request"]))
        return super().parse(body, media_type, parser_context)


def parsed(body: bytes):
    """JSON by the standard: no NaN, no Infinity, no number beyond a float's range, and not too deep."""
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=not_json, parse_float=finite, parse_int=whole)
    except RecursionError:
        value = too_deep()
    except ValueError as error:
        raise ParseError(f"The body is no JSON: {error}.") from None
    return value if shallow(value, DEPTH) else too_deep()


def not_json(name: str):
    raise ValueError(f"{name} is no number in JSON")


def finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else not_json(f"{digits[:20]}, too large,")


def whole(digits: str) -> int:
    return int(digits) if len(digits) < 300 else not_json("a number of so many digits")


def too_deep():
    raise ParseError(f"The body nests lists and objects more than {DEPTH} levels deep.")


def shallow(value, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    return depth > 0 and all(shallow(one, depth - 1) for one in (value.values() if isinstance(value, dict) else value))


def read(request, shape: type[serializers.Serializer]) -> dict:
    """The request's body, checked; raises a ValidationError that names the value at fault."""
    data = {} if isinstance(request.data, QueryDict) else request.data  # an empty form is an empty body
    form = shape(data=data)
    form.is_valid(raise_exception=True)
    return form.validated_data


def asked(request, shape: type[serializers.Serializer]) -> dict:
    """The query part of the address, checked in the same way."""
    form = shape(data=request.query_params.dict())
    form.is_valid(raise_exception=True)
    return form.validated_data


# --- fields ----------------------------------------------------------------------------------------------------------


class Text(serializers.CharField):
    def to_internal_value(self, data):
        return super().to_internal_value(data) if isinstance(data, str) else self.fail("invalid")


class Whole(serializers.IntegerField):
    def to_internal_value(self, data):
        return super().to_internal_value(data) if type(data) is int else self.fail("invalid")


class Number(serializers.FloatField):
    def to_internal_value(self, data):
        return super().to_internal_value(data) if type(data) in (int, float) else self.fail("invalid")


class Flag(serializers.BooleanField):
    def to_internal_value(self, data):
        return data if isinstance(data, bool) else self.fail("invalid", input=data)


class OnOff(serializers.BooleanField):
    """A flag in an address: ?next=1."""
