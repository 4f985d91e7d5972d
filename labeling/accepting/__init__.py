"""The classifier decides what an audit proves it may: when an audit begins, what it asks next, and what ends it.

Rule: an audit and its certificates belong to one frozen run and end with it. Other rooms ask here; what people found,
what was frozen, what a look proves and whether it pays is this package's own business.
"""

from labeling.accepting.auditing import settled
from labeling.accepting.beginning import CannotAudit, begin
from labeling.accepting.foreseeing import Outlook, outlook
from labeling.accepting.freezing import Frozen
from labeling.accepting.proceeding import (
    certain,
    drawn,
    end,
    go_on,
    holding,
    look_now,
    people,
    proceed,
    resting,
    supersede,
)  # fmt: skip

__all__ = [
    "CannotAudit", "Frozen", "Outlook", "begin", "certain", "drawn", "end", "go_on", "holding", "look_now", "outlook",
    "people", "proceed", "resting", "settled", "supersede",
]  # fmt: skip
