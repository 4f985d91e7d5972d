"""What workers earned for an hour of their work: rewards as the ledger posted them, over the seconds measured."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from labeling import pacing
from labeling.kinds import KINDS
from labeling.models import Member, Project
from labeling.pacing import Worked
from rewards import ledger


class Earned(NamedTuple):
    """So much for so many seconds of work, pauses left out, in so many answers."""

    paid: int = 0
    seconds: float = 0.0
    answers: int = 0

    @property
    def minutes(self) -> float:
        return self.seconds / 60

    @property
    def hourly(self) -> int | None:
        return round(self.paid * 3600 / self.seconds) if self.seconds else None


class Earnings(NamedTuple):
    """kinds: by kind, of honest answers; workers: of everybody; overall: of honest answers of all kinds."""

    kinds: dict[str, Earned]
    workers: list[tuple[Member, Earned]]
    overall: Earned


def earnings(project: Project) -> Earnings:
    """Of the latest answers, those that `pacing` measures. Who is set aside is left out, what is unpaid as well."""
    answers = pacing.worked(project)
    posted = ledger.posted([one.reservation for one in answers if one.reservation])
    usual = {kind: pacing.middle([one for one in answers if one.kind == kind and one.honest]) for kind in KINDS}
    work = [pacing.unpaused(one, usual[one.kind]) for one in answers]
    rows = [(one, seconds, posted.get(one.reservation, 0)) for one, seconds in zip(answers, work, strict=True)]
    members = project.members.select_related("user").in_bulk({one.worker for one in answers})
    return Earnings(
        {kind: summed(row for row in rows if row[0].kind == kind and row[0].honest) for kind in KINDS},
        by_worker(rows, members),
        summed(row for row in rows if row[0].honest),
    )


def by_worker(rows: Sequence[tuple[Worked, float, int]], members: dict[int, Member]) -> list[tuple[Member, Earned]]:
    """Who earns least for an hour first."""
    found = [(members[pk], summed(row for row in rows if row[0].worker == pk)) for pk in members]
    return sorted(found, key=lambda pair: (pair[1].hourly or 0, pair[0].pk))


def summed(rows: Iterable[tuple[Worked, float, int]]) -> Earned:
    rows = list(rows)
    return Earned(sum(paid for *_, paid in rows), sum(seconds for _, seconds, _ in rows), len(rows))
