"""scikit-learn's own contract, held by our classifiers; what cannot hold is named with its reason."""

from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from segmentation import DeepSegmentation, TransductiveSVM
from segmentation.bayesian import BayesianNetwork
from segmentation.classical import Classical, logistic_regression, self_training, support_vectors
from segmentation.combining import Combination
from segmentation.evolution import EvolvedRules
from segmentation.scaling import Scaling

CLASSIFIERS = [
    DeepSegmentation(random_state=0),
    TransductiveSVM(),
    Classical(LogisticRegression()),
    self_training(random_state=0),
    support_vectors(random_state=0),
    BayesianNetwork(random_state=0),
    EvolvedRules(random_state=0),
    Combination([("free", logistic_regression()), ("stiff", Classical(LogisticRegression(C=0.1)))], random_state=0),
]

CANNOT_HOLD = {
    "check_classifiers_classes": "uses -1 as an ordinary class; here it says that a row is unlabeled",
    "check_sample_weight_equivalence_on_dense_data": "a row of weight 0 is still a row of the unlabeled crowd, "
    "which scaling and separation look at, and minibatches are drawn by rows",
    "check_sample_weight_equivalence_on_sparse_data": "sums in float32, whose rounding the check does not forgive",
}


def cannot_hold(estimator):
    return CANNOT_HOLD if any(isinstance(estimator, type(classifier)) for classifier in CLASSIFIERS) else {}


@parametrize_with_checks([*CLASSIFIERS, Scaling()], expected_failed_checks=cannot_hold)
def test_the_estimator_keeps_the_contract(estimator, check):
    check(estimator)
