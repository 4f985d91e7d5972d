"""Open a project from the shell."""

from django.core.management.base import BaseCommand, CommandError

from labeling import opening
from labeling.management import finding
from labeling.models import Media


class Command(BaseCommand):
    help = "Open a project with an owner, categories and an empty budget; prints the slug by which it goes."

    def add_arguments(self, parser):
        parser.add_argument("name")
        parser.add_argument("--owner", required=True, help="an existing user")
        parser.add_argument("--media", choices=Media.values, default=Media.TEXT)
        parser.add_argument("--categories", nargs="*", default=[], metavar="NAME")
        parser.add_argument("--several", action="store_true", help="an item may belong to several categories, or none")
        parser.add_argument("--instructions", default="", help="what workers read before their first query")
        parser.add_argument("--currency", default="points")

    def handle(self, *, name, owner, several, media, categories, instructions, currency, **options):
        fields = {"media": media, "categories": categories, "instructions": instructions, "currency": currency}
        try:
            project = opening.open_project(finding.user(owner), name=name, exclusive=not several, **fields)
        except opening.Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(project.slug)
