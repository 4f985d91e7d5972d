"""What commands are told by name -> rows; a name that fits nothing is answered with those that there are."""

from django.contrib.auth.models import User
from django.core.management import CommandError
from django.db.models import QuerySet

from labeling.models import Project

SHOWN = 10


def project(slug: str) -> Project:
    return found(Project.objects.select_related("budget", "published"), "slug", slug, "project")


def user(name: str) -> User:
    return found(User.objects.all(), "username", name, "user")


def maybe(rows: QuerySet, field: str, name: str):
    """The row of this name; None too for bytes of a shell that are no text, which no database can be asked for."""
    try:
        return rows.filter(**{field: name}).first()
    except UnicodeEncodeError:
        return None


def found(rows: QuerySet, field: str, name: str, noun: str):
    if one := maybe(rows, field, name):
        return one
    known = ", ".join(rows.order_by("pk").values_list(field, flat=True)[:SHOWN])
    raise CommandError(f"There is no {noun} {name!r}. " + (f"There are: {known}." if known else "There are none yet."))
