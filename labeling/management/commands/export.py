"""Write a project's labeled set, judgments, predictions, runs or ledger to a file or to standard output."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from labeling import exporting
from labeling.management import finding


class Command(BaseCommand):
    help = "Export the labeled set (undecided items included and marked), judgments, predictions, runs or the ledger."

    def add_arguments(self, parser):
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("--what", choices=exporting.WHAT, default="labeled")
        parser.add_argument("--format", choices=exporting.FORMATS, default="csv")
        parser.add_argument("--out", type=Path, help="the file to write; standard output, if none is named")

    def handle(self, *, project, what, format, out, **options):
        lines, _ = exporting.FORMATS[format]
        pieces = lines(exporting.WHAT[what](finding.project(project)))
        if out is None:
            self.show(pieces)
            return
        try:
            with replaced(out) as file:
                file.writelines(pieces)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror or error}.") from None
        self.stderr.write(f"Wrote {out}.")

    def show(self, pieces):
        try:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            self.stdout.flush()
        except BrokenPipeError:  # whoever reads has seen enough; what is left in the buffer goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def replaced(path: Path):
    """A text file that takes the place of `path` only once it is whole."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
