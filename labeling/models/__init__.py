"""What the house is made of: fields, constraints, querysets. Nouns are models, adjectives are queryset methods."""

from labeling.models.acceptance import Audit, Certificate
from labeling.models.attempt import Attempt
from labeling.models.forecast import Forecast
from labeling.models.item import Gold, Item
from labeling.models.judgment import Consensus, Judgment
from labeling.models.project import Category, Media, Member, Project, Suspicion, Watch, invitation_key
from labeling.models.query import Assignment, Query, QueryCategory, QueryItem, Report
from labeling.models.refit import Refit, Reliability, Renewal
from labeling.models.reply import Reply
from labeling.models.run import Classification, TrainingRun
from labeling.models.trial import Trial

__all__ = [
    "Assignment",
    "Attempt",
    "Audit",
    "Category",
    "Certificate",
    "Classification",
    "Consensus",
    "Forecast",
    "Gold",
    "Item",
    "Judgment",
    "Media",
    "Member",
    "Project",
    "Query",
    "QueryCategory",
    "QueryItem",
    "Refit",
    "Reliability",
    "Renewal",
    "Reply",
    "Report",
    "Suspicion",
    "TrainingRun",
    "Trial",
    "Watch",
    "invitation_key",
]
