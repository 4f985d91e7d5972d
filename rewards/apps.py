from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate, pre_migrate


class RewardsConfig(AppConfig):
    name = "rewards"
    verbose_name = "Rewards"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from . import checks, guards

        register(checks.guards_are_installed, Tags.database)
        pre_migrate.connect(guards.before_migrating, sender=self)
        post_migrate.connect(guards.after_migrating, sender=self)
