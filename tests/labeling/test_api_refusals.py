"""Bad input: whatever is sent wherever, the reply is a 4xx that says {code, message, field?, row?}, never a 5xx."""

import json
import uuid
from copy import deepcopy

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client

from labeling import asking
from labeling.models import Member
from tests.making import a_project, a_query, a_user, now
from tests.speaking import ROOT, Speaker, document

pytestmark = pytest.mark.django_db

HOSTILE = [
    None, True, False, 0, -1, 1.5, 2**31, 2**63, 10**250, 1e308, -1e308,
    "", " ", "x", "1", "true", "NaN", "x" * 100_000, "\0", "a\0b", "\ud800", "\u202e", "'; DROP TABLE--", "../../x",
    [], [[]], [None], [1, "a", {}], {}, {"": ""}, {"a": {"b": []}}, {"\0": "\ud800"},
]  # fmt: skip
RAW = [
    b"{", b"}", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5_000, b"[" * 30 + b"]" * 30, b"NaN", b'{"amount": Infinity}',
    b'{"amount": 1e999}', b"[" + b"9" * 10_000 + b"]", b'"\\ud800"', b"null", b"0", b'""', b"[]", b"[[[]]]", b"{}",
]  # fmt: skip
NUMBERS = ["0", "9223372036854775807", "9223372036854775808", "9" * 40]

OPERATIONS = [(method, path) for path, methods in document()["paths"].items() for method in methods]
WRITING = [(method, path) for method, path in OPERATIONS if method != "get"]
READING = [(method, path) for method, path in OPERATIONS if method == "get"]


def named(operations):
    return [f"{method} {path.removeprefix(ROOT)}" for method, path in operations]


@pytest.fixture(autouse=True)
def nobody_guessed_before(settings):
    memory = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": memory, "LOCATION": uuid.uuid4().hex}}


@pytest.fixture
def house():
    """A user who may do everything, in a project where everything can be done, and the numbers in its addresses."""
    project = a_project(items=2)
    user = project.members.get().user
    worker = Member.objects.create(project=project, user=user, role="worker")
    a_query(project, "items")
    assignment = asking.next_assignment(worker, now=now())
    numbers = {"project": project.slug, "assignment": assignment.pk, "worker": worker.pk, "item": 1, "number": 1}
    return Speaker(user), numbers | {"member": worker.pk, "query": assignment.query_id}


def shape_of(method, path):
    """The schema of the JSON an operation takes, if it takes any."""
    body = document()["paths"][path][method].get("requestBody", {})
    return resolved(body.get("content", {}).get("application/json", {}).get("schema", {}))


def resolved(shape):
    for name in ("allOf", "oneOf"):
        if name in shape:
            return resolved(shape[name][0])
    if "$ref" in shape:
        return resolved(document()["components"]["schemas"][shape["$ref"].rpartition("/")[2]])
    return shape


def sample(shape):
    """A value of the right shape."""
    shape = resolved(shape)
    if "enum" in shape:
        return shape["enum"][0]
    if shape.get("type") == "object":
        return {name: sample(inner) for name, inner in shape.get("properties", {}).items()}
    if shape.get("type") == "array":
        return [sample(shape["items"])]
    kind = shape.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind  # it, or null
    return {"string": "x", "integer": 1, "number": 1, "boolean": True}[kind]


def places(value, path=()):
    """Every place in a value, from the whole to the leaves."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*path, name))


def put(value, path, hostile):
    if not path:
        return hostile
    value = deepcopy(value)
    inner = value
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = hostile
    return value


def said(speaker, method, path, body, **options):
    """Say this in JSON, if the method takes any; the speaker checks the reply."""
    sent = {} if method == "get" else {"data": json.dumps(body), "content_type": "application/json"}
    return speaker.said(method, path, **sent, **options)


@pytest.mark.parametrize(("method", "path"), WRITING, ids=named(WRITING))
def test_any_value_in_any_place_of_any_body_is_answered_below_500(house, method, path):
    speaker, numbers = house
    good = sample(shape_of(method, path))
    for place in places(good):
        for hostile in HOSTILE:
            said(speaker, method, path.format(**numbers), put(good, place, hostile))


@pytest.mark.parametrize(("method", "path"), WRITING, ids=named(WRITING))
def test_a_malformed_body_is_answered_below_500(house, method, path):
    speaker, numbers = house
    for body in RAW:
        speaker.said(method, path.format(**numbers), data=body, content_type="application/json")


@pytest.mark.parametrize(("levels", "status"), [(15, 200), (30, 400), (100_000, 400)])
def test_a_body_nests_only_so_deep(house, levels, status):
    speaker, numbers = house
    body = b'{"more": ' + b"[" * levels + b"]" * levels + b"}"
    reply = speaker.said("post", f"projects/{numbers['project']}/next/", data=body, content_type="application/json")
    assert reply.status_code == status
    assert status == 200 or "levels deep" in reply.json()["message"]


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=named(OPERATIONS))
def test_numbers_that_name_nothing_are_not_found(house, method, path):
    speaker, numbers = house
    for number in NUMBERS:
        for name in ("assignment", "worker", "item", "number"):
            if f"{{{name}}}" in path:
                reply = speaker.said(method, path.format(**numbers | {name: number}))
                assert reply.status_code == 404


@pytest.mark.parametrize(("method", "path"), READING, ids=named(READING))
def test_hostile_questions_are_answered_below_500(house, method, path):
    speaker, numbers = house
    values = [
        "",
        "x",
        "-1",
        "0",
        "9" * 40,
        "\0",
        "'",
        "cD0x",
        "bz05OTk5OTk5OTk5",
        "cD1hYmM=",
        "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk=",
    ]
    for value in values:
        speaker.get(path.format(**numbers), **dict.fromkeys(("cursor", "limit", "state", "what", "format"), value))
        speaker.get(path.format(**numbers), cursor=value)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=named(OPERATIONS))
def test_every_door_but_sign_in_asks_for_a_token(house, method, path):
    _, numbers = house
    reply = said(Speaker(), method, path.format(**numbers), {})
    assert reply.status_code == (400 if path.endswith("token/") else 401)
    assert path.endswith("token/") or reply.headers["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if "{project}" in one[1]])
def test_to_strangers_a_project_does_not_exist(house, method, path):
    _, numbers = house
    reply = said(Speaker(a_user()), method, path.format(**numbers), sample(shape_of(method, path)))
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


# --- what never reaches a view ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["", "nowhere/", "me", "projects/x/nowhere/", "assignments/x/answer/", "projects/a b/"]
)
def test_an_unknown_address_is_told_in_json(path):
    for method in ("get", "post", "put", "delete"):
        reply = Speaker().said(method, path)
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/api/", "/api/v2/me/"])
def test_an_address_beside_the_api_is_told_in_json_too(path):
    reply = Client().get(path, headers={"accept": "text/html"})
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
    assert Client().get("/nowhere/").headers["Content-Type"].startswith("text/html")


def test_a_method_that_an_address_does_not_take_is_named(house):
    reply = house[0].said("delete", "me/")
    assert (reply.status_code, reply.json()["code"]) == (405, "method_not_allowed")
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense", ";"]
)
def test_a_media_type_that_is_not_read_is_415(house, media):
    reply = house[0].said("post", "projects/", data=b'{"name": "x"}', content_type=media)
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("media", ["application/json", "application/jsonl", "multipart/form-data; boundary=x"])
def test_too_large_a_request_is_413(house, settings, media):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    speaker, numbers = house
    reply = speaker.said("post", f"projects/{numbers['project']}/items/", data=b"x" * 1001, content_type=media)
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
    assert "at most 0.000954 MB" in reply.json()["message"]


def test_a_body_of_unknown_length_is_not_taken_for_an_empty_one(house):
    speaker, numbers = house
    reply = speaker.said(
        "post", f"projects/{numbers['project']}/refill/", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH=""
    )
    assert (reply.status_code, reply.json()["code"]) == (411, "length_required")


def test_a_form_without_its_parts_is_refused(house):
    speaker, numbers = house
    address = f"projects/{numbers['project']}/items/"
    for body, media in ((b"x", "multipart/form-data"), (b"--x\r\n", "multipart/form-data; boundary=x")):
        assert speaker.said("post", address, data=body, content_type=media).status_code == 400
    files = {f"f{n}": SimpleUploadedFile("x", b"x") for n in range(200)}
    assert speaker.said("post", address, data=files, format="multipart").status_code == 400


@pytest.mark.parametrize("header", ["Token", "Token x", "Token x y", "Token \xff", "Basic eDp4"])
def test_a_wrong_token_is_401(header):
    speaker = Speaker()
    speaker.client.credentials(HTTP_AUTHORIZATION=header)
    assert speaker.get("me/").status_code == 401


def test_a_host_that_is_not_ours_is_refused_in_json(settings):
    settings.ALLOWED_HOSTS = ["testserver"]
    reply = Client().get(f"{ROOT}me/", headers={"host": "evil.example"})
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")


def test_what_breaks_on_our_side_is_told_in_json_and_logged(house, monkeypatch, caplog):
    monkeypatch.setattr(asking, "next_assignment", lambda *args, **options: 1 / 0)
    speaker, numbers = house
    reply = speaker.client.post(f"{ROOT}projects/{numbers['project']}/next/")
    assert (reply.status_code, reply.json()["code"]) == (500, "server_error")
    assert "ZeroDivisionError" in caplog.text and "ZeroDivisionError" not in reply.content.decode()


def test_a_busy_database_asks_to_try_again(house, monkeypatch):
    def busy(*args, **options):
        raise OperationalError("database is locked")

    monkeypatch.setattr(asking, "next_assignment", busy)
    speaker, numbers = house
    reply = speaker.client.post(f"{ROOT}projects/{numbers['project']}/next/")
    assert (reply.status_code, reply.json()["code"], reply.headers["Retry-After"]) == (503, "busy", "1")


# --- the document -----------------------------------------------------------------------------------------------------


def test_the_document_is_complete_and_valid(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_the_document_is_served_to_everybody():
    said = Speaker().client.get(f"{ROOT}schema/").json()
    assert len(said["paths"]) == len(document()["paths"]) > 20
    assert said["paths"][f"{ROOT}projects/{{project}}/next/"]["post"]["operationId"] == "next_query"


@pytest.mark.parametrize(("method", "path"), [one for one in WRITING if one[0] == "post" and "token" not in one[1]])
def test_every_post_takes_an_idempotency_key(house, method, path):
    speaker, numbers = house
    names = [parameter["name"] for parameter in document()["paths"][path][method]["parameters"]]
    assert "Idempotency-Key" in names
    for key in ("", "x" * 201, "a b", "\xe9"):
        body, headers = sample(shape_of(method, path)), {"Idempotency-Key": key}
        reply = said(speaker, method, path.format(**numbers), body, headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (400, "bad_key")
