"""A client of the REST API that holds every reply to the OpenAPI document: its status, its shape, nothing unsaid."""

import json
import re
from functools import cache

from drf_spectacular.drainage import reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from jsonschema import Draft202012Validator
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

ROOT = "/api/v1/"


@cache
def document() -> dict:
    """In OpenAPI 3.1, whose shapes are JSON Schema; no object has a key that is not documented, but refusals."""
    reset_generator_stats()
    with patched_settings({"OAS_VERSION": "3.1.0"}):
        said = SchemaGenerator().get_schema(request=None, public=True)
    for name, shape in said["components"]["schemas"].items():
        if "properties" in shape and name != "Refusal":
            shape["additionalProperties"] = False
    return said


def operation(method: str, path: str) -> dict:
    for template, operations in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method in operations:
            return operations[method]
    return {"responses": {}}


def check(method: str, path: str, reply) -> None:
    """Raises where a reply is not what the document says."""
    replies = operation(method, path)["responses"]
    code = str(reply.status_code)
    if reply.status_code >= 400:
        assert reply.status_code < 500, reply.content
        shape = {"$ref": "#/components/schemas/Refusal"}
        assert reply.headers["Content-Type"] == "application/json"
    else:
        assert code in replies, f"{method} {path} is not documented to reply {code}"
        shape = replies[code].get("content", {}).get("application/json", {}).get("schema")
    if shape is not None:
        Draft202012Validator(shape | {"components": document()["components"]}).validate(json.loads(reply.content))
    if code == "204":
        assert not reply.content


class Speaker:
    """A user who speaks to the API: `speaker.post("me/")`, the address from /api/v1/ on."""

    def __init__(self, user=None):
        self.client = APIClient(raise_request_exception=False)
        if user:
            self.client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.get_or_create(user=user)[0].key}")

    def get(self, path, **query):
        return self.said("get", path, data=query)

    def post(self, path, body=None, *, key=None, query="", **options):
        headers = {"Idempotency-Key": key} if key else {}
        options = {"data": body, "format": "json"} | options
        return self.said("post", path, query, headers=headers, **options)

    def patch(self, path, body):
        return self.said("patch", path, data=body, format="json")

    def said(self, method, path, query="", **options):
        path = path if path.startswith("/") else ROOT + path
        reply = getattr(self.client, method)(path + query, **options)
        check(method, path.partition("?")[0], reply)
        return reply
