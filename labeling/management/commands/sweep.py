"""Do once what the cluster does every minute: expire what was not answered, ring for what is due or was lost."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from labeling import asking, classifying, training, trying

SWEEPS = {training: "runs", classifying: "classifications", trying: "trials"}


class Command(BaseCommand):
    help = "Expire assignments that were not answered in time and repair runs whose message or process was lost."

    def handle(self, **options):
        now = timezone.now()
        rung = [f"{flow.sweep(now):,} {what}" for flow, what in SWEEPS.items()]
        self.stdout.write(
            f"{asking.expire(now):,} assignments expired, {training.keep_schedules(now):,} runs due on schedule, "
            f"{', '.join(rung)} rung for again."
        )
