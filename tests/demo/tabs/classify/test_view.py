"""What Classify shows: the bars, the sentence about how sure the Net is, and the numbers of the channels."""

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import CLASSES
from cifar_core.data import Splits
from cifar_core.evaluate import evaluate
from cifar_core.image_edit import channels
from cifar_core.inspect.judge import ConfidenceRank, Proportion, confidence_rank
from cifar_core.net import Net
from cifar_core.predict import predict
from cifar_core.prediction import ClassScore, Prediction
from demo.tabs.classify.view import Comparison, numbers_html, prediction_html, upload_prediction_html
from demo.widgets.templates import photo_url
from tests.helpers.markup import images_in, text_of
from tests.helpers.out_of_distribution import out_of_distribution_images

LOWER = re.compile(r"lower than for ([\d.,]+)( %)? of the ([\d,]+) test images")
BLACK = np.zeros((32, 32, 3), np.uint8)


def prediction_of(*probabilities: float) -> Prediction:
    return Prediction(tuple(ClassScore(name, p, p) for name, p in zip(CLASSES, probabilities, strict=False)))


def sentence_of(rank: ConfidenceRank | None, correct: int = 0, total: int = 0, **more: Any) -> str:
    """Return the sentence about how sure a prediction is."""
    comparison = Comparison(rank, Proportion(correct, total), **more)
    return text_of(upload_prediction_html(prediction_of(0.5, 0.5), BLACK, comparison).split("</table>")[1])


def test_the_bars_keep_the_order_of_the_labels_whatever_the_prediction_is() -> None:
    for probabilities in ((0.1, 0.7, 0.2), (0.5, 0.2, 0.3)):
        markup = upload_prediction_html(prediction_of(*probabilities), BLACK, None)
        assert re.findall(r'<th scope="row">(\w+)</th>', markup) == ["plane", "car", "bird"]
        widths = [float(width) for width in re.findall(r"width:([\d.]+)%", markup)]
        assert widths == [100 * p for p in probabilities]
        best = CLASSES[int(np.argmax(probabilities))]
        assert text_of(markup).startswith(f"The Net predicts {best} , {100 * max(probabilities):.1f} % sure")
        assert [row for row in re.findall(r'class="best"><th scope="row">(\w+)', markup)] == [best]
        assert np.array_equal(next(images_in(markup)), BLACK)


def test_a_test_images_prediction_has_the_truth_the_highest_bar_first_and_the_logits() -> None:
    image = np.full((32, 32, 3), 7, np.uint8)
    markup = prediction_html(prediction_of(0.1, 0.7, 0.2), image, index=12, truth="bird")
    assert "✗ wrong the truth is bird" in text_of(markup) and "Look inside" in markup
    assert "✓ right the truth is car" in text_of(
        prediction_html(prediction_of(0.1, 0.7, 0.2), image, index=12, truth="car")
    )
    bars, logits = markup.split('class="facts-table')
    assert re.findall(r'<th scope="row">(\w+)</th>', bars) == ["car", "bird", "plane"]
    rows = re.findall(r"<tr.*?</tr>", logits.split("<tbody>")[1])
    assert [text_of(row) for row in rows] == [
        "0 plane 0.100 0.1000",
        "1 car 0.700 0.7000 ← argmax",
        "2 bird 0.200 0.2000",
    ]
    assert np.array_equal(next(images_in(markup)), image)
    assert text_of(prediction_html(None)).startswith("Click a test image")


def test_no_class_name_is_taken_for_markup() -> None:
    evil = "<script>alert(1)</script>"
    prediction = Prediction((ClassScore(evil, 1.0, 1.0), ClassScore("'\"&", 0.0, 0.0)))
    for markup in (
        prediction_html(prediction, BLACK, index=0, truth=evil),
        upload_prediction_html(prediction, BLACK, None),
        numbers_html(channels(BLACK), prediction),
    ):
        assert "<script" not in markup and "&lt;script&gt;" in markup and "&#39;&#34;&amp;" in markup


def test_the_sentence_tells_for_how_many_test_images_the_largest_logit_is_higher(tiny: Splits, trained: Net) -> None:
    evaluation = evaluate(trained, tiny.test)
    shares, heads = [], set()
    for images in out_of_distribution_images(6).values():
        for image in images:
            prediction = predict(trained, image, CLASSES)
            sentence = sentence_of(confidence_rank(prediction, evaluation), 1, 3)
            higher = sum(max(row) > prediction.best.logit for row in evaluation.logits.tolist())
            assert f"The largest logit is {prediction.best.logit:.2f}" in sentence
            if higher in (0, 120):
                assert ("None" if higher == 0 else "All") + " of the 120 test images" in sentence
            else:
                found = LOWER.search(sentence)
                assert found
                share, sign, total = found.groups()
                assert sign and float(share) == pytest.approx(100 * higher / 120, abs=0.05) and total == "120"
                shares.append(float(share))
            heads.add(sentence.split(".")[0])
    assert len(set(shares)) > 5 and {"Typical confidence", "Atypically low confidence"} <= heads


def test_an_atypical_prediction_is_called_mostly_wrong_only_if_such_predictions_are() -> None:
    assert sentence_of(ConfidenceRank(1.5, 9_730, 10_000), 76, 270) == (
        "Atypically low confidence. The largest logit is 1.50, lower than for 97.3 % of the 10,000 test images. "
        "Such predictions are mostly wrong: of the 270 test images with a largest logit this low, the Net predicts "
        "28.1 % correctly. Perhaps the image shows none of the ten classes."
    )
    right = sentence_of(ConfidenceRank(1.5, 9_730, 10_000), 200, 270)
    assert "mostly wrong" not in right and "the Net predicts 74.1 % correctly" in right and "none of the ten" in right


def test_a_low_prediction_says_how_often_such_are_right() -> None:
    sentence = sentence_of(ConfidenceRank(1.5, 8_000, 10_000), 1, 1)
    assert (
        sentence.startswith("Low confidence.") and "Of the 1 test image with" in sentence and "Perhaps" not in sentence
    )


def test_a_typical_prediction_is_never_called_safe() -> None:
    sentence = sentence_of(ConfidenceRank(6.4, 3_700, 10_000), 1, 2)
    assert "Typical confidence." in sentence and "That does not make it right" in sentence and "wrong" not in sentence


def test_a_share_that_rounds_to_none_or_all_is_told_as_a_count() -> None:
    assert "lower than for 9,999 of the 10,000" in sentence_of(ConfidenceRank(0, 9_999, 10_000), 0, 1)
    assert "lower than for 3 of the 10,000" in sentence_of(ConfidenceRank(20, 3, 10_000), 5, 9)
    every = sentence_of(ConfidenceRank(-3, 10_000, 10_000))
    assert "is -3.00. All of the 10,000 test images have a higher one" in every and "nan" not in every


def test_what_the_comparison_lacks_is_said() -> None:
    assert "Comparing with the test images …" in upload_prediction_html(prediction_of(1, 0), BLACK, None)
    assert "not all numbers" in sentence_of(None)
    assert "after step 1,000 of the run, your image after step 1,200" in sentence_of(
        ConfidenceRank(6, 1, 10), steps=(1000, 1200)
    )


def test_the_channels_are_told_as_bytes_from_0_to_1_and_normalized() -> None:
    image = BLACK.copy()
    image[..., 0], image[:16, :, 1], image[..., 2] = 255, 102, 51
    text = text_of(numbers_html(channels(image), prediction_of(1, 0)))
    assert "red 255 255 255 1.00 1.00 1.00 1.00 1.00 1.00" in text
    assert "green 0 51 102 0.00 0.20 0.40 -1.00 -0.60 -0.20" in text
    assert "blue 51 51 51 0.20 0.20 0.20 -0.60 -0.60 -0.60" in text
    assert "−1.00" in numbers_html(channels(image), prediction_of(1, 0))


def test_the_photo_on_the_page_is_a_small_copy_of_the_same_shape() -> None:
    photo = Image.effect_mandelbrot((1024, 512), (-3, -2.5, 2, 2.5), 50).convert("RGB")
    prefix = "data:image/jpeg;base64,"
    shown = Image.open(io.BytesIO(base64.b64decode(photo_url(photo, 640).removeprefix(prefix))))
    assert shown.size == (640, 320) and photo.size == (1024, 512)
    small = photo_url(Image.new("RGB", (9, 5)), 640).removeprefix(prefix)
    assert Image.open(io.BytesIO(base64.b64decode(small))).size == (9, 5)
