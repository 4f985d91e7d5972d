"""A fitted classifier as named arrays without objects, so that nothing of it is ever pickled."""

import numpy as np

from segmentation.scaling import Scaling


def packed(fitted, parts):
    """What prediction needs: categories, scaling and the arrays of each exclusive problem, by name."""
    classes = fitted.classes_ if fitted.classes_.dtype != object else fitted.classes_.astype(str)
    arrays = {"exclusive": np.array(fitted.exclusive), "classes": classes, **fitted.scaling_.to_arrays()}
    for k, part in enumerate(parts):
        arrays |= {f"{k}.{name}": array for name, array in part.items()}
    return arrays


def unpacked(estimator, arrays):
    """The estimator with categories and scaling as packed, and the arrays of each problem; np.load(file) will do."""
    estimator.exclusive = bool(arrays["exclusive"])
    estimator.classes_, estimator.scaling_ = arrays["classes"], Scaling.from_arrays(arrays)
    estimator.n_features_in_ = estimator.scaling_.n_features_in_
    parts = {}
    for key in arrays:
        k, dot, name = key.partition(".")
        if dot:
            parts.setdefault(int(k), {})[name] = arrays[key]
    return estimator, [parts[k] for k in sorted(parts)]
