"""Replay recorded answers through the real flows, in a database of their own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from labeling.models import Project

COLUMNS = (
    "run",
    "spend",
    "judgments",
    "accuracy",
    "accuracy_unasked",
    "accuracy_fixed",
    "accuracy_test",
    "mean_confidence",
)


class Command(BaseCommand):
    help = "Play recorded answers (answers.csv, truth.csv, items.csv or features.npz) through the real flows."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, help="the recorded answers")
        parser.add_argument(
            "--budget", type=int, help="most to spend, in the smallest unit; one unit a cell (default: enough)"
        )
        parser.add_argument(
            "--policy", choices=Project.Policy.values, default="planner", help="which queries come next"
        )
        parser.add_argument("--classifier", choices=settings.CLASSIFIERS, default="deep_segmentation")
        parser.add_argument(
            "--retrain-every", type=int, default=50, help="newly agreed items (or cells) that start a run"
        )
        parser.add_argument("--agree", type=int, default=2, help="people who must agree")
        parser.add_argument(
            "--sure", type=float, help="agree where a category is so probable, rather than by shares; learn from all"
        )
        parser.add_argument("--wanted", type=int, default=4, help="most people asked the same")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument("--keep", type=Path, help="keep the database and files here")
        parser.add_argument(
            "--inside", action="store_true", help="play in this very database (the command calls itself so)"
        )

    def handle(self, *, inside, keep, **options):
        if not options["folder"].is_dir():
            raise CommandError(f"{options['folder']} is no folder.")
        if inside:
            self.play(**options)
        elif keep:
            keep.mkdir(parents=True, exist_ok=True)
            self.again_in(keep)
        else:
            with tempfile.TemporaryDirectory(prefix="closecall-") as home:
                self.again_in(Path(home))

    def again_in(self, home: Path) -> None:
        """The same command with a home of its own, on SQLite whatever this installation runs on."""
        if (home / "db.sqlite3").exists():
            raise CommandError(f"{home} holds a database already. Name an empty folder.")
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        done = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *sys.argv[1:], "--inside"],
            env=environment | {"CLOSECALL_HOME": str(home), "LOG_LEVEL": "WARNING"},
        )
        if done.returncode:
            raise CommandError("The replay ended early; what it said stands above.", returncode=done.returncode)

    def play(self, *, folder, budget, policy, seed, **options):
        from labeling import opening, simulating

        if budget is not None and budget < 0:
            raise CommandError("The budget is a number of at least 0.")
        call_command("migrate", verbosity=0)
        try:
            recording = simulating.read(folder)
        except (simulating.Unreadable, UnicodeDecodeError, ValueError, KeyError) as error:
            raise CommandError(str(error)) from error
        try:
            replay = simulating.Replay(
                recording, budget=budget, seed=seed, policy=policy, classifier=options["classifier"],
                retrain_every=options["retrain_every"], agree_count=options["agree"],
                wanted=max(options["wanted"], options["agree"]), **agreement(options["sure"]),
            )  # fmt: skip
        except opening.Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.head(options["json"])
        for figures in replay.play():
            self.line(figures, options["json"])

    def head(self, as_json: bool) -> None:
        if not as_json:
            self.stdout.write("  ".join(f"{name:>16}" for name in COLUMNS))

    def line(self, figures: dict, as_json: bool) -> None:
        rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}
        text = json.dumps(rounded) if as_json else "  ".join(f"{'' if v is None else v:>16}" for v in rounded.values())
        self.stdout.write(text)
        self.stdout.flush()


def agreement(sure: float | None) -> dict:
    """Fields of a project that agrees by posteriors and learns from all answers, if so asked."""
    if sure is None:
        return {}
    return {
        "agree_by": Project.AgreeBy.POSTERIOR,
        "agree_posterior": sure,
        "train_on": Project.TrainOn.EVIDENCE,
    }
