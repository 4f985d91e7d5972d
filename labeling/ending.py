"""Until when people are asked: until one of the project's targets is reached; without any, while there is doubt and
money."""

from datetime import datetime

import numpy as np
from django.utils import timezone

from labeling.board import Board
from labeling.models import Certificate, Project
from rewards import ledger
from rewards.models import Transfer
from segmentation import confidence

SENTENCES = {
    "reached": "The mean confidence has reached the project's target: only the exam goes on.",
    "certified": "As large a share of the items is decided as the project asks for, under a certificate: only the exam "
    "goes on.",
    "spent": "As much is spent as the project is to spend.",
}


def reached(project: Project, board: Board) -> str:
    """The code of the target that asking has reached, or nothing."""
    if settled(project, board):
        return "certified"
    return "reached" if confident(project, board) else ""


def confident(project: Project, board: Board) -> bool:
    """Is the classifier as sure of what is not agreed, on average, as the project asks for? Of new items it is not."""
    if project.published_id is None or project.target_confidence is None:
        return False
    mean = confidence.mean_confidence(board.probability, project.exclusive, ~board.doubtful)
    return mean >= project.target_confidence


def settled(project: Project, board: Board) -> bool:
    """Does a certificate stand, and is the wanted share of all items decided, by people or under it?"""
    if project.target_decided is None or not Certificate.objects.standing().filter(project=project).exists():
        return False
    return decided(board) >= project.target_decided


def decided(board: Board) -> float:
    """The share of the items that are in play of which nothing is in doubt."""
    return float(np.mean(~board.doubtful[board.present].any(axis=1))) if board.present.any() else 0.0


def reserve(project: Project, reward: int, reference: str, now: datetime) -> Transfer | None:
    """Hold an offered reward; raises BudgetExhausted also where the project would spend more than it is to.

    Looked at after the reservation, whose row makes others wait: two offers at once cannot both take what is left.
    """
    reservation = ledger.reserve(project.budget, reward, reference, timezone.localdate(now))
    if reward and project.target_spent is not None:
        figures = project.budget.figures()
        if figures.spent + figures.reserved > project.target_spent:
            raise ledger.BudgetExhausted(SENTENCES["spent"])
    return reservation
