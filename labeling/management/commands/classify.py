"""Classify the items that came after a run, in a process of its own: so does the cluster, and so can a person."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from labeling import attempts, classifying, launching
from labeling.management import finding
from labeling.models import Classification


class Command(BaseCommand):
    help = "Classify the items of a project (by slug) that came after its published run, by that run."

    def add_arguments(self, parser):
        parser.add_argument("project", help="a project's slug; with --attempt, primary key of a classification")
        parser.add_argument("--attempt", type=int, help="carry out this attempt while standard input is open")

    def handle(self, project, attempt, **options):
        if attempt is None:
            self.by_hand(project)
        else:
            launching.exit_with_parent()
            started = Classification.objects.filter(pk=project, attempt=attempt, state=attempts.State.RUNNING).first()
            if started:  # nothing, if another attempt has taken its place
                classifying.carry_out(started)

    def by_hand(self, slug: str) -> None:
        project = finding.project(slug)
        new = classifying.request(project, timezone.now())
        if new is None:
            raise CommandError(f"{project}: there is nothing to classify, or nothing to classify it by.")
        done = launching.classify(new)
        self.stdout.write(f"{done}: {done.get_state_display().lower()}. {done.message}")
