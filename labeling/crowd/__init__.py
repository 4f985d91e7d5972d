"""What people said, made one by a model that knows its workers: evidence, posteriors, degrees and reliabilities.

Evidence is of people alone; the classifier enters posteriors only, and only as far as it foretells held-out answers.
"""

from labeling.crowd.answers import Answers, Choices
from labeling.crowd.degrees import Degrees, degrees_of
from labeling.crowd.fitting import Consensus
from labeling.crowd.looks import Looks
from labeling.crowd.online import Row, Said, alone, evidence, heard, learned, overheard, rightly, unheard, update
from labeling.crowd.rates import Pool
from labeling.crowd.workers import Workers

__all__ = [
    "Answers",
    "Choices",
    "Consensus",
    "Degrees",
    "Looks",
    "Pool",
    "Row",
    "Said",
    "Workers",
    "alone",
    "degrees_of",
    "evidence",
    "heard",
    "learned",
    "overheard",
    "rightly",
    "unheard",
    "update",
]
