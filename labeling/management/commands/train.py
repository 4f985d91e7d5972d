"""Execute one training run in this process; the cluster starts it so, and so can a person."""

import sys

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from labeling import launching, training
from labeling.models import Project, TrainingRun


class Command(BaseCommand):
    help = "Execute a queued training run (by number of its row), or request and execute one for a project (by slug)."

    def add_arguments(self, parser):
        parser.add_argument("run", help="primary key of a queued run, or a project's slug")

    def handle(self, run, **options):
        if not sys.stdin.isatty() and run.isdigit():
            launching.exit_with_parent()
        done = training.execute(self.find(run))
        self.stdout.write(f"{done}: {done.get_state_display().lower()}. {done.message}")

    def find(self, run: str) -> TrainingRun:
        if run.isdigit():
            found = TrainingRun.objects.filter(pk=run).first()
        else:
            project = Project.objects.filter(slug=run).first()
            found = project and training.request(project, "by command", now=timezone.now())
        if not found:
            raise CommandError(f"There is no run and no project {run!r}.")
        return found
