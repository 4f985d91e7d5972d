"""Courses of projects as forecasts see them: so much spent, so often right."""

import numpy as np

from labeling import forecasting
from segmentation.forecasts import Course
from tests.making import a_run, now


def a_course(runs=8, slope=0.6, level=0.5, first=200, grows=1.3, items=300) -> Course:
    """Logits that rise with the log of the spend."""
    spent = first * grows ** np.arange(runs)
    return Course(spent, 1 / (1 + np.exp(-(level + slope * np.log(spent / first)))), np.full(runs, float(items)))


def runs_of(project, course: Course) -> list:
    """The project's runs along this course, each with its forecast."""
    made = []
    for spent, accuracy, items in zip(*(column.tolist() for column in course), strict=True):
        figures = {"spent": round(spent), "accuracy": accuracy, "exam_items": int(items), "mean_confidence": accuracy}
        figures |= {"accuracy_low": accuracy - 0.04, "accuracy_high": accuracy + 0.04}
        made.append(a_run(project, metrics=figures))
        forecasting.foretell(made[-1], now())
    return made
