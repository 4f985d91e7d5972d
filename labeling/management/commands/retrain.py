"""Request a training run; the cluster executes it."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from labeling import training
from labeling.management import finding


class Command(BaseCommand):
    help = (
        "Queue a training run of a project, or show the one that waits or runs. `train` executes one in this process."
    )

    def add_arguments(self, parser):
        parser.add_argument("project", help="the project's slug")

    def handle(self, *, project, **options):
        try:
            run = training.by_hand(finding.project(project), "by command", now=timezone.now())
        except training.CannotLearn as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{run}: {run.get_state_display().lower()}.")
