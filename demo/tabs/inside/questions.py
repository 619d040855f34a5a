"""The numbers with which questions.html.j2 answers what learners ask at each stage of one image."""

import math
from typing import Any

import numpy as np

from demo.tabs.inside.subject import Subject


def answer_numbers(subject: Subject) -> dict[str, Any]:
    """Return the image's own numbers for the answers. All of them must be finite."""
    values = {stage.name: stage.values for stage in subject.inspection.stages}
    byte = int(subject.image.pixels[0, 0, 0])
    relu1, pool1, row = values["relu1"], values["pool1"], values["flatten"]
    place = int(row.argmax())
    logits = values["logits"][: len(subject.classes)].astype(float)
    powers = np.exp(logits)
    true_share = 0.0 if subject.image.label is None else float(values["probabilities"][subject.image.label])
    return {
        "byte": byte,
        "share": byte / 255,
        "normalized": 2 * byte / 255 - 1,
        "negative": int((values["conv1"] < 0).sum()),
        "conv1": values["conv1"].size,
        "relu1": relu1.size,
        "pool1": pool1.size,
        "pool1_share": float(pool1.sum() / relu1.sum()) if relu1.any() else 0.0,
        "pool1_empty": int((pool1 == 0).sum()),
        "largest": float(row[place]),
        "place": place,
        "map": place // 25,
        "row": place % 25 // 5,
        "column": place % 5,
        "fc1_zeros": int((values["fc1"] == 0).sum()),
        "fc2_zeros": int((values["fc2"] == 0).sum()),
        "predicted": subject.classes[subject.predicted],
        "logit": float(logits[subject.predicted]),
        "true_class": subject.true_class,
        "true_share": true_share,
        "loss": -math.log(true_share) if true_share > 0 else None,
        "classes": len(subject.classes),
        "power": float(powers[subject.predicted]),
        "powers": float(powers.sum()),
    }
