"""What a run learns: features and targets to a fitted classifier, its probabilities, and how good they are."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from labeling import arrays, artifacts, dataset, examining, predicting
from labeling.dataset import CannotLearn, Dataset
from labeling.models import Consensus, Gold, Project, Query, QueryItem, TrainingRun
from segmentation import confidence, promotion

VIEWS = "views."  # before the names of their parts among a run's arrays
FOLDS = 3  # parts whose answers are hidden in turn: each costs another fit
FEWEST = 4 * FOLDS  # items whose answers are known, for a part of them to be worth hiding

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Learned:
    """What a run has to publish: (rows, columns) probabilities with NaN where there is no item, and figures."""

    probability: np.ndarray
    made: dict  # pointers of what was made of the items: features and views
    metrics: dict
    verdict: promotion.Verdict
    training_items: int


def learn(run: TrainingRun, report: Report) -> Learned:
    """What to publish of the run; report(fraction in [0, 1], what is being done) is called on the way."""
    data, spent = dataset.read(run.project), run.project.budget.spent
    report(0.05, "Reading the items")
    X, made = dataset.features(data, run.seed, between(report, 0.05, 0.3))
    made |= views_of(run.project, made["features"])
    report(0.3, f"Learning from {data.known} items")
    fitted = fit(run, X, data.targets, made, between(report, 0.3, 0.5))
    probability = np.full(data.shape, np.nan, np.float32)
    probability[np.ix_(data.rows, data.columns)] = probabilities(fitted, X, len(data.columns))
    made |= save_views(run.project, made, fitted) | artifacts.kept(run, data, fitted)
    made |= foretold(run, data, X, made, between(report, 0.5, 0.9))
    report(0.9, "Comparing with the published classifier")
    metrics, verdict = evaluate(data, probability)
    metrics |= examined(data, X, probability)
    return Learned(probability, made, metrics | heard(fitted) | {"spent": spent}, verdict, data.known)


def between(report: Report, low: float, high: float) -> Report:
    return lambda fraction, message="": report(low + (high - low) * fraction, message)


def fit(run: TrainingRun, X: np.ndarray, targets: np.ndarray, made: dict, progress: Report):
    return classifier_of(run, made, progress).fit(X, targets)


def classifier_of(run: TrainingRun, made: dict, progress: Report):
    """The classifier the run names, not fitted yet; with the views of these items where they are made already."""
    classifier = artifacts.unfitted(run)
    takes = classifier.get_params(deep=False)
    if "progress" in takes:
        classifier.set_params(progress=progress)
    if "views" in takes:
        classifier.set_params(views=load_views(made))
    return classifier


def foretold(run: TrainingRun, data: Dataset, X: np.ndarray, made: dict, progress: Report) -> dict:
    """Pointers to what the classifier says of each item when that item's own answers are hidden from it, and to how
    much evidence lies near: the consensus's prior and its mass. {} where too little is known to hide any of it."""
    if data.known < FEWEST:
        return {}
    progress(0.0, "Learning again from parts of it, so that answers cannot vouch for themselves")
    science = import_module("segmentation.crossfitting")  # scikit-learn, which only the training process needs
    identifiers = data.project.items.order_by("row").values_list("identifier", flat=True)[: len(data.items)]
    views = load_views(made)

    def make(fold):
        return classifier_of(run, made, between(progress, fold / FOLDS, (fold + 1) / FOLDS))

    found = science.crossfit(make, X, data.targets, science.fold_of(identifiers, FOLDS),
                             graph=views and views.graph, exclusive=run.project.exclusive)  # fmt: skip
    prior, mass = np.full(data.shape, np.nan, np.float32), np.zeros(data.shape[0], np.float32)
    prior[np.ix_(data.rows, data.columns)] = found.prior
    mass[data.rows] = found.mass
    return {"prior": arrays.save(f"{run.project_id}/prior", prior), "mass": arrays.save(f"{run.project_id}/mass", mass)}


def heard(fitted) -> dict:
    """What each voice of a pool counted for, {"voices": {name: mean weight over its problems}}; {} without a pool."""
    if names := list(getattr(fitted, "voices_", [])):  # a combination has a row of them a problem
        problems = [dict(zip(names, weights, strict=True)) for weights in np.atleast_2d(fitted.weights_)]
    else:
        problems = [weights for weights in getattr(fitted, "weights_", []) if weights]
        names = problems[0] if problems else []
    voices = {name: float(np.mean([weights[name] for weights in problems])) for name in names}
    return {"voices": voices} if voices else {}


# Views are what the items' features say together before anybody was asked: they serve until there are other features.


def views_of(project: Project, features: dict) -> dict:
    """Pointers to the views made of these features, if the published run made them."""
    stored = project.published.arrays if project.published else {}
    if stored.get("features") != features:
        return {}
    return {name: pointer for name, pointer in stored.items() if name.startswith(VIEWS)}


def load_views(made: dict):
    parts = {name.removeprefix(VIEWS): pointer for name, pointer in made.items() if name.startswith(VIEWS)}
    if not parts:
        return None
    views = import_module("segmentation.views")  # scikit-learn, which only the training process needs
    return views.Views.from_arrays({name: arrays.load(pointer) for name, pointer in parts.items()})


def save_views(project: Project, made: dict, fitted) -> dict:
    views = getattr(fitted, "views_", None)
    if views is None or any(name.startswith(VIEWS) for name in made):
        return {}
    return {f"{VIEWS}{name}": arrays.save(f"{project.pk}/views", part) for name, part in views.to_arrays().items()}


def probabilities(fitted, X: np.ndarray, columns: int) -> np.ndarray:
    found = getattr(fitted, "transduction_", None)
    found = fitted.predict_proba(X) if found is None else found
    if found.shape != (len(X), columns) or not np.isfinite(found).all():
        raise CannotLearn("The classifier gave probabilities that are not finite numbers, one for each cell.")
    return np.asarray(found, np.float32)


# --- evaluate --------------------------------------------------------------------------------------------------------


def evaluate(data: Dataset, probability: np.ndarray) -> tuple[dict, promotion.Verdict]:
    """Figures of the new classifier, and whether it may replace the published one, on the same exam items."""
    exclusive = data.project.exclusive
    at, truth = exam(data)
    new = probability[np.ix_(data.rows[at], data.columns)]
    verdict = promotion.promote(published_probabilities(data, at), new, truth, exclusive)
    everything, closed = probability[np.ix_(data.rows, data.columns)], closed_cells(data)
    by_category = confidence.category_confidence(everything, closed).tolist()
    metrics = {
        "mean_confidence": confidence.mean_confidence(everything, exclusive, closed),
        "by_category": {category.name: mean for category, mean in zip(data.categories, by_category, strict=True)},
        "exam_items": len(at),
    }
    if len(at):
        accuracy = promotion.accuracy(new, truth, exclusive)
        metrics |= {
            "accuracy": accuracy.value,
            "accuracy_low": accuracy.low,
            "accuracy_high": accuracy.high,
            "log_loss": confidence.log_loss(new, truth, exclusive),
            "exam_confidence": exam_confidence(new, truth, exclusive),
        }
    return metrics, verdict


def examined(data: Dataset, X: np.ndarray, probability: np.ndarray) -> dict:
    """What else the exam says: how right all that is delivered is, and what choosing has saved; {} without an exam."""
    at, truth = exam(data)
    if not len(at):
        return {}
    said = probability[np.ix_(data.rows, data.columns)]
    return examining.delivered(data, said, at, truth) | examining.saving(data, X, at, truth)


def exam_confidence(probability: np.ndarray, truth: np.ndarray, exclusive: bool) -> float:
    """How often the classifier thinks it is right on the exam: to be held against how often it is."""
    if exclusive:
        return float(confidence.item_confidence(probability, exclusive).mean())
    return float(confidence.cell_confidence(probability)[~np.isnan(truth)].mean())


def exam(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Places of the exam items, and their truth: (m,) columns where exclusive, else (m, C) with NaN.

    The truth is what most people say, of as many as must agree: without the items on which some differ, which are the
    hard ones, every classifier would look better than it is.
    """
    project = data.project
    examined = QueryItem.objects.filter(query__project=project, query__purpose=Query.Purpose.EXAM)
    cells = Consensus.objects.of_people().filter(
        project=project, item__in=examined.values("item"), judgments__gte=project.agree_count
    )
    degrees = np.full(data.targets.shape, np.nan)
    for row, column, share in data.within(cells.values_list("item", "category", "share")):
        degrees[row, column] = share
    if project.exclusive:
        at = np.flatnonzero((degrees > 0.5).any(axis=1))
        return at, np.nanargmax(degrees[at], axis=1)
    degrees[degrees == 0.5] = np.nan
    at = np.flatnonzero(~np.isnan(degrees).all(axis=1))
    return at, np.where(np.isnan(degrees[at]), np.nan, degrees[at] > 0.5)


def published_probabilities(data: Dataset, at: np.ndarray) -> np.ndarray | None:
    """What the published classifier says of the items at these places; NaN for items that came after it.

    Of categories that came after it it has no opinion: even odds, and where exclusive the others share the rest.
    """
    if data.project.published is None:
        return None
    stored = arrays.load(data.project.published.arrays["probability"])
    found = predicting.known(stored, data.rows[at], data.columns)
    new = np.isnan(found) & ~np.isnan(found).all(axis=1, keepdims=True)
    if not data.project.exclusive:
        return np.where(new, 0.5, found)
    even = 1 / len(data.columns)
    return np.where(new, even, found * (1 - even * new.sum(axis=1, keepdims=True)))


def closed_cells(data: Dataset) -> np.ndarray:
    """(n, C) bool: agreed, or never to be agreed as their item is withdrawn or gold."""
    closed = np.zeros(data.targets.shape, bool)
    agreed = Consensus.objects.agreed().filter(project=data.project)
    for row, column in data.within(agreed.values_list("item", "category")):
        closed[row, column] = True
    withdrawn = data.project.items.filter(withdrawn=True).values_list("pk", flat=True)
    gold = Gold.objects.filter(item__project=data.project).values_list("item", flat=True)
    closed[np.isin(data.items, [*withdrawn, *gold])] = True
    return closed
