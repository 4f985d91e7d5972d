"""What a run has learned, kept so that it can classify items that come later: arrays and parameters, nothing pickled.

The hash of the file is checked before anything in it is read; the parameters stand in the database beside it.
"""

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string

from labeling import arrays, dataset
from labeling.dataset import CannotLearn, Dataset, Some
from labeling.models import TrainingRun

NAME = "classifier"  # among a run's arrays


def unfitted(run: TrainingRun):
    """The classifier that the run names, as an estimator that has learned nothing yet."""
    if run.classifier not in settings.CLASSIFIERS:
        raise CannotLearn(f"This installation has no classifier {run.classifier!r}. Choose one in the settings.")
    _, path = settings.CLASSIFIERS[run.classifier]
    return import_string(path)(exclusive=run.project.exclusive, random_state=run.seed)


def kept(run: TrainingRun, data: Dataset, fitted) -> dict:
    """{NAME: pointer} of the fitted classifier; {} where it has no form of plain arrays."""
    parts = fitted.to_arrays() if hasattr(fitted, "to_arrays") else None
    if parts is None:
        return {}
    parameters = {"name": run.classifier, "exclusive": run.project.exclusive, "columns": data.columns.tolist()}
    return {NAME: arrays.save_together(f"{run.project_id}/{NAME}", parts) | parameters}


def why_not(run: TrainingRun) -> str:
    """Why this run cannot classify what came after it, in a sentence; nothing if it can."""
    if NAME in run.arrays and "maker" in run.arrays:
        return ""
    title, _ = settings.CLASSIFIERS.get(run.classifier, (run.classifier, ""))
    return f"Run {run.number} ({title}) kept nothing by which items that came later could be classified."


def classifier_of(run: TrainingRun):
    """The classifier as the run left it."""
    return type(unfitted(run)).from_arrays(arrays.load_together(run.arrays[NAME]))


def maker_of(run: TrainingRun):
    """What made the features that the run has learned from, as it left it. Raises CannotLearn if it is another now."""
    maker = dataset.maker_of(run.project, run.seed)
    if dataset.named(maker) != run.arrays["features"]["by"]:
        raise CannotLearn(f"Features are made differently since run {run.number}, so it cannot read these items.")
    return maker.resume(arrays.load_together(run.arrays["maker"]))


def classify(run: TrainingRun, classifier, maker, some: Some) -> np.ndarray:
    """(n, columns of the run) float32 probabilities of these items; NaN where the run knows no category."""
    X = dataset.made(maker, maker.transform, some, lambda done, message: None)
    said = classifier.predict_proba(X.astype(np.float16).astype(np.float32))  # rounded like what it has learned from
    found = np.full((len(X), run.arrays["probability"]["shape"][1]), np.nan, np.float32)
    found[:, run.arrays[NAME]["columns"]] = said
    return found
