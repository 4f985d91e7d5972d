"""Execute one training run, in a process of its own: so does the cluster, and so can a person."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from labeling import launching, training
from labeling.management import finding
from labeling.models import Project, TrainingRun


class Command(BaseCommand):
    help = "Execute a queued training run (by number of its row), or request and execute one for a project (by slug)."

    def add_arguments(self, parser):
        parser.add_argument("run", help="primary key of a queued run, or a project's slug")
        parser.add_argument("--attempt", type=int, help="carry out this attempt while standard input is open")

    def handle(self, run, attempt, **options):
        if attempt is None:
            done = launching.launch(self.find(run))
            self.stdout.write(f"{done}: {done.get_state_display().lower()}. {done.message}")
        else:
            launching.exit_with_parent()
            self.carry_out(run, attempt)

    def carry_out(self, run: str, attempt: int) -> None:
        """What `launching.launch` started; nothing, if another attempt has taken its place."""
        if started := TrainingRun.objects.filter(pk=run, attempt=attempt, state=TrainingRun.State.RUNNING).first():
            training.carry_out(started)

    def asked(self, project: Project) -> TrainingRun:
        try:
            return training.by_hand(project, "by command", now=timezone.now())
        except training.CannotLearn as refusal:
            raise CommandError(str(refusal)) from None

    def find(self, run: str) -> TrainingRun:
        if run.isdecimal():
            found = TrainingRun.objects.filter(pk=run).first()
        else:
            project = finding.maybe(Project.objects.all(), "slug", run)
            found = project and self.asked(project)
        if not found:
            raise CommandError(f"There is no run and no project {run!r}.")
        return found
