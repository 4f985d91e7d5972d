"""Do once what the cluster does every minute: expire what was not answered, ring for what is due or was lost."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from labeling import asking, classifying, training


class Command(BaseCommand):
    help = "Expire assignments that were not answered in time and repair runs whose message or process was lost."

    def handle(self, **options):
        now = timezone.now()
        self.stdout.write(
            f"{asking.expire(now):,} assignments expired, {training.keep_schedules(now):,} runs due on schedule, "
            f"{training.sweep(now):,} runs and {classifying.sweep(now):,} classifications rung for again."
        )
