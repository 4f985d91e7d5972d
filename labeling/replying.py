"""Idempotency keys: a request that is sent again gets the reply it got, and its effect happens once.

A reply is kept in the transaction of its effect, so neither is there without the other. What was refused is not kept:
it changed nothing, and may be sent again, corrected, under the same key.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from labeling.models import Reply

KEPT = timedelta(days=7)


class KeyReused(Exception):
    """The key belongs to another request."""


def earlier(user, key: str, request: str) -> Reply | None:
    """The reply this user's key was answered with, if it was; `request` is a hash of what was asked."""
    reply = Reply.objects.filter(user=user, key=key).first()
    if reply and reply.request != request:
        raise KeyReused("This idempotency key was used for another request. Give each request a key of its own.")
    return reply


def once(user, key: str, request: str, effect: Callable[[], tuple[int, object]]) -> tuple[Reply, bool]:
    """Run `effect` -> (status, body) unless the key was answered; returns the reply and whether it was kept before.

    Whoever comes second waits at the claim until the first is done.
    """
    if reply := earlier(user, key, request):
        return reply, True
    with transaction.atomic():
        if claim := claimed(user, key, request):
            claim.status, claim.body = effect()
            claim.save(update_fields=["status", "body"])
            return claim, False
    return earlier(user, key, request), True


def kept(user, key: str, request: str, status: int, body) -> tuple[Reply, bool]:
    """Keep the reply of an effect that is over, and that repeated would have changed nothing; the first one stands."""
    with transaction.atomic():
        if claim := claimed(user, key, request, status=status, body=body):
            return claim, False
    return earlier(user, key, request), True


def claimed(user, key: str, request: str, status: int = 0, body=None) -> Reply | None:
    """Take the key, if nobody has; else None."""
    try:
        with transaction.atomic():
            return Reply.objects.create(user=user, key=key, request=request, status=status, body=body)
    except IntegrityError:
        return None


def amend(user, key: str, body) -> None:
    """Complete a kept reply by what was done after its effect."""
    Reply.objects.filter(user=user, key=key).update(body=body)


def forget(now: datetime) -> int:
    """Delete replies that nobody will ask for again; says how many."""
    return Reply.objects.filter(created__lt=now - KEPT).delete()[0]
