"""Choose the next queries of a project now, in this process."""

from django.core.management.base import BaseCommand

from labeling import selecting
from labeling.management import finding


class Command(BaseCommand):
    help = "Open the queries most worth asking, up to the queue's size and the budget."

    def add_arguments(self, parser):
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("--seed", type=int, help="makes the choice repeatable")

    def handle(self, *, project, seed, **options):
        done = selecting.refill(finding.project(project), random_state=seed)
        self.stdout.write(f"{done.opened:,} queries opened, {done.withdrawn:,} withdrawn. {done.reason}".strip())
