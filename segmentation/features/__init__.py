"""Content -> X (n, d) float32, always finite: text, images, audio and records as rows a classifier can learn from.

Fitted without labels, so unlabeled items take part. Files are opened one at a time; a broken one stops the reading
with BrokenContent, which names its position.
"""

from segmentation.content import BrokenContent, check_audio, check_image, check_record
from segmentation.features.images import ImageFeatures
from segmentation.features.pretrained import (
    PretrainedAudioFeatures,
    PretrainedImageFeatures,
    PretrainedTextFeatures,
)
from segmentation.features.records import RecordFeatures
from segmentation.features.sounds import AudioFeatures
from segmentation.features.texts import TextFeatures

__all__ = [
    "AudioFeatures",
    "BrokenContent",
    "ImageFeatures",
    "PretrainedAudioFeatures",
    "PretrainedImageFeatures",
    "PretrainedTextFeatures",
    "RecordFeatures",
    "TextFeatures",
    "check_audio",
    "check_image",
    "check_record",
]
