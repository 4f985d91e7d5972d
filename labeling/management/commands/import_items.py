"""Import items, known answers and gold from the shell. Refused rows are listed on standard error, the others kept."""

from django.core.management.base import BaseCommand, CommandError

from labeling import importing
from labeling.management import finding
from labeling.opening import Refused


class Command(BaseCommand):
    help = (
        "Import a CSV or JSON Lines file, or a folder or zip of images or WAV files. Columns: id, text (or any named "
        "values of a record), category or categories (joined by |), gold. Import it again at any time: nothing is "
        "added twice."
    )

    def add_arguments(self, parser):
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("file", help="a file or a folder")
        parser.add_argument("--create-categories", action="store_true", help="create categories not known yet")

    def handle(self, *, project, file, create_categories, **options):
        options = {"create_categories": create_categories, "progress": self.progress}
        try:
            report = importing.import_file(finding.project(project), file, **options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        for row, reason in report.refused:
            self.stderr.write(f"Row {row}: {reason}")
        if report.unread:
            self.stderr.write(f"Columns that were not read: {', '.join(report.unread)}.")
        self.stdout.write(
            f"{report.created:,} items created, {report.existing:,} there already, {report.known:,} newly known, "
            f"{report.gold:,} new gold, {len(report.refused):,} rows refused."
        )

    def progress(self, done, total):
        if self.stderr.isatty():
            self.stderr.write(f"\r  {done:,} rows{f' of {total:,}' if total else ''} ", ending="\r")
