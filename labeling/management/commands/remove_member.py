"""Take a role in a project from a user."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from labeling import leaving
from labeling.management import finding
from labeling.models import Member


class Command(BaseCommand):
    help = "Take a role in a project from a user. What was said and earned in it stays."

    def add_arguments(self, parser):
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("user", help="a username")
        parser.add_argument("--role", choices=Member.Role.values, default=Member.Role.WORKER)

    def handle(self, *, project, user, role, **options):
        project, user = finding.project(project), finding.user(user)
        member = project.members.present().filter(user=user, role=role).first()
        if member is None:
            raise CommandError(f"{user} has no role {role} in {project}.")
        try:
            leaving.remove(member, timezone.now())
        except leaving.Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"{user} is no longer {role} in {project}.")
