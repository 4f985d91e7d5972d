"""Add money to a project's budget."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from labeling import opening
from labeling.management import finding
from rewards import ledger


class Command(BaseCommand):
    help = "Add an amount, in the smallest unit of the project's currency, to what its budget may spend."

    def add_arguments(self, parser):
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("amount", type=int)
        parser.add_argument("--key", help="given twice, the same key funds once")

    def handle(self, *, project, amount, key, **options):
        project = finding.project(project)
        budget = project.budget
        try:
            opening.fund(project, amount, timezone.now(), key=key)
        except ledger.LedgerRefusal as refusal:
            raise CommandError(str(refusal)) from None
        funded, available, reserved = figures = budget.figures()
        self.stdout.write(
            f"Funded {funded:,} {budget.currency}: {available:,} available, {reserved:,} reserved, "
            f"{figures.spent:,} spent."
        )
