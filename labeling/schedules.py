"""What the cluster does by the clock, kept as rows that django-q2 reads."""

from django_q.models import Schedule

EVERY_MINUTE = {name: f"labeling.tasks.{name}" for name in ("sweep", "watch", "refit")}


def ensure_schedules() -> None:
    """Add the schedules that are missing; one that somebody changed stays as it is."""
    for name, func in EVERY_MINUTE.items():
        if not Schedule.objects.filter(name=name).exists():
            Schedule.objects.create(name=name, func=func, schedule_type=Schedule.MINUTES, minutes=1)
