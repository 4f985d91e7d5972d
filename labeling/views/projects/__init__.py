"""What an admin and a researcher see: a project's pages, one module a subject. To a worker they do not exist."""

from labeling.views.projects.certifying import acceptance
from labeling.views.projects.delivering import export
from labeling.views.projects.filling import items
from labeling.views.projects.foretelling import forecast
from labeling.views.projects.funding import money
from labeling.views.projects.inviting import people
from labeling.views.projects.membership import leave, member
from labeling.views.projects.overseeing import agreement, renewals, set_aside, worker
from labeling.views.projects.pricing import price_effect, prices
from labeling.views.projects.queue import queries, query
from labeling.views.projects.ring import detail, loop, refill, retrain, run
from labeling.views.projects.shaping import new, settings, state
from labeling.views.projects.sharing import invite
from labeling.views.projects.trying import delete_trial, progress, trial, trials

__all__ = [
    "acceptance", "agreement", "delete_trial", "detail", "export", "forecast", "invite", "items", "leave", "loop",
    "member", "money", "new", "people", "price_effect", "prices", "progress", "queries", "query", "refill",
    "renewals", "retrain", "run", "set_aside", "settings", "state", "trial", "trials", "worker",
]  # fmt: skip
