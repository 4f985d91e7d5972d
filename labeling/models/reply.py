"""What was answered to a request, kept so that a retry gets the same."""

from django.conf import settings
from django.db import models
from django.db.models import UniqueConstraint


class Reply(models.Model):
    """The reply an idempotency key was answered with, so that a retry after a lost connection gets the same."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField()
    body = models.JSONField(null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "replies"
        constraints = [UniqueConstraint(fields=["user", "key"], name="an idempotency key is used once")]

    def __str__(self):
        return self.key
