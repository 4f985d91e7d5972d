"""A day that passes as fast as it is played: where the flows read the clock, in this process they read this one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone


class Clock:
    def __init__(self):
        self.began, self.seconds = timezone.now(), 0.0

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds)

    def at(self, seconds: float) -> datetime:
        """So many seconds after it began; time never runs back."""
        self.seconds = max(self.seconds, seconds)
        return self.now()


@contextmanager
def ticking(clock: Clock) -> Iterator[None]:
    before, timezone.now = timezone.now, clock.now
    try:
        yield
    finally:
        timezone.now = before
