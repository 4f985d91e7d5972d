"""The demonstration: 1,797 handwritten digits (scikit-learn's copy of a UCI set), which anybody can read, shown large.

One person alone can make its loop turn: there one answer is agreement, and twenty agreed items start a run.
"""

import io
from collections.abc import Callable, Iterator

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from PIL import Image
from sklearn.datasets import load_digits

from labeling import importing, opening, selecting
from labeling.models import Media, Member, Project
from labeling.passwords import legible_password
from rewards import ledger

SIDE = 160  # pixels: a card on a phone shows it without scaling up
BUDGET = 100_000
INSTRUCTIONS = """\
Each picture is one handwritten digit, from 0 to 9. Say which digit it is. Some are hard: a 1 may look like a 7, \
a 3 like an 8, a 9 like a 4. If you cannot tell, say so rather than guess.

There are three kinds of queries: "Is this a 4?" is answered with yes or no; one picture with all ten digits wants the \
right one chosen; and many pictures with one digit want those marked that show it.

This is a demonstration. One person alone can make its loop turn, because here a single answer counts as agreement. \
After twenty agreed pictures the classifier learns by itself, and the next queries are about those it is least sure of.
"""
SETTINGS = {
    "agree_count": 1,
    "wanted": 1,
    "retrain_every": 20,
    "queue_size": 40,
    "ahead": 1,
    "cell_price": 5,
    "gold_share": 0.0,
}


def load(progress: Callable[[int, int | None], None] | None = None) -> list[tuple[str, str, str]]:
    """Make the project, its people and its queue, all or nothing; the sign-ins, [(username, password, role)].

    Where there is a project already nothing happens, and there are no sign-ins to tell.
    """
    with transaction.atomic():
        if Project.objects.exists():
            return []
        admin, password = a_user("admin", is_staff=True, is_superuser=True)
        project = opening.open_project(
            admin,
            name="Handwritten digits",
            categories=[str(digit) for digit in range(10)],
            media=Media.IMAGE,
            instructions=INSTRUCTIONS,
            **SETTINGS,
        )
        ledger.fund(project.budget, BUDGET)
        sign_ins = [(admin.username, password, "admin"), *(a_worker(project, name) for name in ("ada", "ben"))]
        digits = load_digits().images  # (1797, 8, 8), ink from 0 to 16
        importing.import_rows(project, rows(digits), progress=progress, total=len(digits))
        selecting.refill(project)
    return sign_ins


def a_worker(project: Project, name: str) -> tuple[str, str, str]:
    user, password = a_user(name)
    opening.join(user, project, Member.Role.WORKER)
    return user.username, password, "worker"


def a_user(name: str, **fields) -> tuple[User, str]:
    """A user of this name, numbered if it is taken, and the password."""
    taken = set(User.objects.filter(username__startswith=name).values_list("username", flat=True))
    names = (name, *(f"{name}{number}" for number in range(2, len(taken) + 3)))
    password = legible_password()
    free = next(one for one in names if one not in taken)
    return User.objects.create_user(free, password=password, **fields), password


def rows(digits: np.ndarray) -> Iterator[dict]:
    return ({"id": f"digit-{at:04}", "content": picture(ink)} for at, ink in enumerate(digits, 1))


def picture(ink: np.ndarray) -> bytes:
    """(8, 8) ink from 0 to 16 -> a PNG of dark ink on light paper, with a margin, smoothed: blocks are hard to read."""
    paper = np.pad(255 - ink * (255 / 16), 1, constant_values=255)
    file = io.BytesIO()
    Image.fromarray(paper.round().astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()
