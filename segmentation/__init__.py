"""What does the machine think? Semi-supervised classifiers, features and confidence; usable from a notebook.

`DeepSegmentation` and `TransductiveSVM` are loaded at first use, so that importing this package costs no torch.
"""

from importlib import import_module

_HOMES = {"DeepSegmentation": "segmentation.deep", "TransductiveSVM": "segmentation.separation"}

__all__ = ["DeepSegmentation", "TransductiveSVM"]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__():
    return sorted({*globals(), *__all__})
