"""Load the demonstration where there is no project yet, and show its sign-ins this once."""

from django.core.management.base import BaseCommand

from labeling import demonstration


class Command(BaseCommand):
    help = "Load the handwritten digits, an admin and two workers; nothing, if there is a project already."

    def handle(self, **options):
        sign_ins = demonstration.load(self.progress)
        if not sign_ins:
            self.stdout.write("There is a project already, so nothing was loaded.")
        for name, password, role in sign_ins:
            self.stdout.write(f"{name:<12} {password:<20} {role}")

    def progress(self, done, total):
        if self.stderr.isatty():
            self.stderr.write(f"\r  {done:,} of {total:,} pictures ", ending="\r")
