"""django-q2's command, which here refuses to work without the ledger's guards and sees to what is done by the clock."""

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import connections
from django_q.management.commands import qcluster

from labeling.schedules import ensure_schedules
from labeling.serving import require_guards


class Command(qcluster.Command):
    def handle(self, *args, **options):
        try:
            require_guards()
        except ImproperlyConfigured as sentence:
            raise CommandError(str(sentence)) from None
        ensure_schedules()
        connections.close_all()  # the cluster forks
        super().handle(*args, **options)
