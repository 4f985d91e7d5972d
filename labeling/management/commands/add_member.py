"""Give a user a role in a project."""

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from labeling import opening
from labeling.management import finding
from labeling.models import Member
from labeling.passwords import legible_password


class Command(BaseCommand):
    help = "Give a user a role in a project."

    def add_arguments(self, parser):
        parser.add_argument("project", help="the project's slug")
        parser.add_argument("user", help="a username")
        parser.add_argument("--role", choices=Member.Role.values, default=Member.Role.WORKER)
        parser.add_argument("--create", action="store_true", help="create the user, with a password that is shown once")

    def handle(self, *, project, user, role, create, **options):
        project = finding.project(project)
        if create and not finding.maybe(User.objects.all(), "username", user):
            self.stdout.write(f"{user}  {created(user)}")
        member = opening.join(finding.user(user), project, role)
        self.stdout.write(f"{member} in {project}.")


def created(name: str) -> str:
    """Make a user of this name; returns the password."""
    user, password = User(username=name), legible_password()
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    user.save()
    return password
