"""What the classifier may decide by itself: the audit of one frozen run, and the certificates it has earned."""

import numpy as np
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from labeling import arrays
from labeling.models.fields import between, unit
from labeling.models.project import Project
from labeling.models.query import Query, QueryItem
from labeling.models.run import TrainingRun


class AuditQuerySet(models.QuerySet):
    def standing(self):
        """Those whose run is still the published one, nothing having spoken against it."""
        return self.exclude(state=Audit.State.ENDED)

    def over(self):
        return self.filter(state=Audit.State.ENDED)


class Audit(models.Model):
    """People judge some items of one frozen run blindly, in a random order that was fixed before anybody answered.

    Its pool are the items the run might decide: present, not settled by anybody, known to the run. Of those the
    `wanted` first by lot are audited, as far as the run is at least as sure of them as `lowest`.
    """

    class State(models.TextChoices):
        OPEN = "open", "Under way"
        DONE = "done", "Done"
        ENDED = "ended", "Ended"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="audits")
    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="audits")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    share = unit()  # at most so much of what is accepted may be wrong ...
    confidence = unit()  # ... with this confidence; both as they were when it began
    lead = models.PositiveIntegerField()  # people by whom an answer must lead to be held true
    seed = models.PositiveBigIntegerField()  # of the lots
    pool = models.JSONField(default=dict)  # pointer to (rows,) bool
    size = models.PositiveIntegerField()  # items in the pool
    wanted = models.PositiveIntegerField()
    lowest = models.FloatField(null=True)
    looks = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True)  # what the last look came to, or why it ended
    begun = models.DateTimeField()
    ended = models.DateTimeField(null=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            UniqueConstraint(fields=["run"], name="a run is audited once"),
            UniqueConstraint(
                fields=["project"], condition=~Q(state="ended"), name="a project audits one run at a time"
            ),
            CheckConstraint(condition=Q(share__gt=0, share__lt=1), name="an audited share is between 0 and 1"),
            between("confidence", 0.5, 1, "an audit's confidence is between a half and 1"),
            CheckConstraint(condition=Q(wanted__lte=F("size")), name="no more is audited than there is"),
            CheckConstraint(condition=Q(lead__gte=1), name="an audited answer leads by somebody"),
        ]

    def __str__(self):
        return f"Audit of {self.run}"


class CertificateQuerySet(models.QuerySet):
    def standing(self):
        return self.filter(withdrawn=None)

    def over(self):
        return self.exclude(withdrawn=None)

    def of(self, project: Project) -> "Certificate | None":
        """The one that says what this project's classifier decides by itself now."""
        return self.standing().filter(project=project).select_related("run", "audit").first()


class Certificate(models.Model):
    """Of the `accepted` items at most a share `bound` <= `share` is wrong, with this confidence.

    Accepted is what was left of the pool at or above `threshold`, without the `audited` items there. `items` points to
    which those are. A certificate never changes; it stands until it is withdrawn, and then says why.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="certificates")
    audit = models.ForeignKey(Audit, on_delete=models.CASCADE, related_name="certificates")
    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="certificates")
    threshold = models.FloatField()
    share = unit()
    confidence = unit()
    look = models.PositiveIntegerField()
    accepted = models.PositiveIntegerField()
    audited = models.PositiveIntegerField()
    wrong = models.PositiveIntegerField()
    bound = unit()
    items = models.JSONField(default=dict)  # pointer to (rows,) bool
    made = models.DateTimeField()
    withdrawn = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)  # why it was withdrawn

    objects = CertificateQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            UniqueConstraint(fields=["audit", "look"], name="a look certifies once"),
            UniqueConstraint(
                fields=["project"], condition=Q(withdrawn=None), name="one certificate of a project stands"
            ),
            CheckConstraint(condition=Q(bound__lte=F("share")), name="a certificate keeps to its share"),
            CheckConstraint(condition=Q(wrong__lte=F("audited")), name="no more are wrong than were audited"),
            CheckConstraint(condition=Q(share__gt=0, share__lt=1), name="a certified share is between 0 and 1"),
            between("confidence", 0.5, 1, "a certificate's confidence is between a half and 1"),
            CheckConstraint(condition=Q(look__gte=1, accepted__gte=1), name="a certificate accepts something"),
            CheckConstraint(
                condition=Q(withdrawn=None) | Q(withdrawn__gte=F("made")), name="withdrawn after it was made"
            ),
        ]

    def __str__(self):
        return f"Certificate {self.pk} of {self.run}"

    def places(self) -> np.ndarray:
        """(rows,) bool by array row: the accepted items, without what was audited since it was made."""
        mask = np.array(arrays.load(self.items))
        audits = QueryItem.objects.filter(query__run=self.run_id, query__purpose=Query.Purpose.AUDIT)
        mask[list(audits.values_list("item__row", flat=True))] = False
        return mask

    def accepts(self, rows: np.ndarray) -> np.ndarray:
        """(n,) bool: which of the items at these array rows the classifier decides."""
        mask, found = self.places(), np.zeros(len(rows), bool)
        seen = rows < len(mask)
        found[seen] = mask[rows[seen]]
        return found
