"""The Idempotency-Key header: of requests with the same key one has its effect, and all get its reply."""

import hashlib
import json
import re
from functools import wraps

from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from labeling import replying
from labeling.api.bodies import body_of
from labeling.api.refusals import Refusal

NAME = "Idempotency-Key"
HEADER = OpenApiParameter(
    NAME,
    str,
    OpenApiParameter.HEADER,
    description="1 to 200 visible ASCII characters, new for each request. Sent again with the same request it gets the "
    "same reply, marked `Idempotent-Replay: true`, and nothing happens twice; with another request it gets 422.",
)
REPLAYED = OpenApiParameter(
    "Idempotent-Replay", str, OpenApiParameter.HEADER, response=True, enum=["true"], description="This is a kept reply."
)


def idempotent(view=None, *, repeatable: bool = False):
    """Run a view once for each key of a user.

    The view and the keeping of its reply are one transaction; of a `repeatable` one, whose effect is the same done
    twice, they are two, since it would hold its transaction for long.
    """

    def decorated(view):
        @wraps(view)
        def run(request, *args, **kwargs):
            key = key_of(request)
            if key is None:
                return view(request, *args, **kwargs)
            try:
                answer = answered_after if repeatable else answered_within
                reply, before = answer(request.user, key, digest(request), lambda: view(request, *args, **kwargs))
            except replying.KeyReused as sentence:
                raise Refusal(422, "key_reused", str(sentence), NAME) from None
            return response(reply, before)

        return run

    return decorated(view) if view else decorated


def answered_within(user, key, asked, view):
    return replying.once(user, key, asked, lambda: plain(view()))


def answered_after(user, key, asked, view):
    if reply := replying.earlier(user, key, asked):
        return reply, True
    return replying.kept(user, key, asked, *plain(view()))


def key_of(request) -> str | None:
    key = request.headers.get(NAME)
    if key is not None and not re.fullmatch(r"[!-~]{1,200}", key):
        raise Refusal(400, "bad_key", "An idempotency key has 1 to 200 visible ASCII characters.", NAME)
    return key


def digest(request) -> str:
    """Of method, address and body; the boundary of a form's parts is the client's whim, made anew at every attempt."""
    body, boundary = body_of(request), request._request.content_params.get("boundary", "")
    parts = [request.method.encode(), request.get_full_path().encode(), body.replace(boundary.encode() or b"\0", b"\0")]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def plain(reply: Response) -> tuple[int, object]:
    """Status and body as JSON has them. A reply without a body says what it says in its headers."""
    headers = {name: value for name, value in reply.headers.items() if name != "Content-Type"}
    data = headers if reply.data is None else reply.data
    return reply.status_code, json.loads(JSONRenderer().render(data))


def response(reply, before: bool) -> Response:
    headers = {"Idempotent-Replay": "true"} if before else {}
    if reply.status == 204:
        return Response(status=204, headers=reply.body | headers)
    return Response(reply.body, reply.status, headers=headers)


def amend(request, data) -> None:
    """What was done after a kept effect belongs to its reply too."""
    if key := key_of(request):
        replying.amend(request.user, key, json.loads(JSONRenderer().render(data)))
