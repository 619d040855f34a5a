"""What the upload doctor shows: the bars, the sentence about how sure the Net is, and the numbers of the channels."""

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import CLASSES, Field
from cifar_core.data import Splits
from cifar_core.errors import ConfigError
from cifar_core.evaluate import evaluate
from cifar_core.image_edit import channels
from cifar_core.inspect.judge import ConfidenceRank, Proportion, confidence_rank
from cifar_core.net import Net
from cifar_core.predict import predict
from cifar_core.prediction import ClassScore, Prediction
from demo.tabs.classify.upload import DIALS
from demo.tabs.classify.upload_view import certainty_html, doctor_html, photo_url, spreads_html
from demo.widgets.sliders import Dial, dials_html, numbers_in, starts
from tests.helpers.out_of_distribution import out_of_distribution_images

PERCENT = re.compile(r"lower than on ([\d.,]+)(\N{NO-BREAK SPACE}%)? of the ([\d,]+) test images")


def answer_of(*probabilities: float) -> Prediction:
    return Prediction(tuple(ClassScore(name, p, p) for name, p in zip(CLASSES, probabilities, strict=False)))


def text_of(markup: str) -> str:
    return re.sub("<[^>]+>", "", markup)


def test_the_bars_keep_the_order_of_the_labels_whatever_the_answer_is() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    for probabilities in ((0.1, 0.7, 0.2), (0.5, 0.2, 0.3)):
        markup = doctor_html(answer_of(*probabilities), image)
        assert re.findall(r"<th scope='row'>(\w+)</th>", markup) == ["plane", "car", "bird"]
        widths = [float(width) for width in re.findall(r"width:([\d.]+)%", markup)]
        assert widths == [100 * p for p in probabilities]
        assert f"The Net says {CLASSES[int(np.argmax(probabilities))]}, " in text_of(markup)


def test_the_sentence_tells_the_share_of_test_images_with_a_higher_best_score(tiny: Splits, trained: Net) -> None:
    found = evaluate(trained, tiny.test)
    told, verdicts = [], set()
    for images in out_of_distribution_images(6).values():
        for image in images:
            answer = predict(trained, image, CLASSES)
            sentence = text_of(certainty_html(confidence_rank(answer, found), Proportion(1, 3)))
            higher = sum(max(row) > answer.best.logit for row in found.logits.tolist())
            if higher in (0, 120):
                assert ("None of" if higher == 0 else "Every one of") + " the 120 test images" in sentence
            else:
                share, sign, total = PERCENT.search(sentence).groups()
                assert sign and float(share) == pytest.approx(100 * higher / 120, abs=0.05) and total == "120"
                told.append(float(share))
            verdicts.add(sentence.split(".")[0])
    assert len(set(told)) > 5 and {"As sure as usual", "Doubtful"} <= verdicts


def test_a_doubtful_answer_is_told_as_mostly_wrong_only_where_such_answers_are() -> None:
    wrong = text_of(certainty_html(ConfidenceRank(1.5, 9_730, 10_000), Proportion(76, 270)))
    assert wrong == (
        "Doubtful. Its best score, the largest logit, is 1.50: lower than on 97.3\N{NO-BREAK SPACE}% of the 10,000 "
        "test images. Such answers are mostly wrong: of the 270 test images with a score this low, the Net got "
        "28.1\N{NO-BREAK SPACE}% right. Perhaps the picture shows none of the ten."
    )
    right = text_of(certainty_html(ConfidenceRank(1.5, 9_730, 10_000), Proportion(200, 270)))
    assert "mostly wrong" not in right and "the Net got 74.1" in right and "none of the ten" in right


def test_a_usual_answer_is_never_called_safe() -> None:
    sentence = text_of(certainty_html(ConfidenceRank(6.4, 3_700, 10_000), Proportion(1, 2)))
    assert "As sure as usual" in sentence and "That does not make it right" in sentence and "wrong" not in sentence


def test_a_share_that_rounds_to_none_or_all_is_told_as_a_count() -> None:
    assert "lower than on 9,999 of the 10,000" in text_of(
        certainty_html(ConfidenceRank(0, 9_999, 10_000), Proportion(0, 1))
    )
    assert "lower than on 3 of the 10,000" in text_of(certainty_html(ConfidenceRank(20, 3, 10_000), Proportion(5, 9)))
    every = text_of(certainty_html(ConfidenceRank(-3, 10_000, 10_000), Proportion(0, 0)))
    assert "Every one of the 10,000 test images has a higher one" in every and "nan" not in every


def test_the_channels_are_told_as_bytes_as_shares_and_normalized() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[..., 0], image[:16, :, 1], image[..., 2] = 255, 102, 51
    text = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", spreads_html(channels(image))))
    assert "red 255 255 255 1.00 1.00 1.00 1.00 1.00 1.00" in text
    assert "green 0 51 102 0.00 0.20 0.40 −1.00 −0.60 −0.20" in text
    assert "blue 51 51 51 0.20 0.20 0.20 −0.60 −0.60 −0.60" in text


def test_the_photo_on_the_page_is_a_small_copy_of_the_same_shape() -> None:
    photo = Image.effect_mandelbrot((1024, 512), (-3, -2.5, 2, 2.5), 50).convert("RGB")
    url = photo_url(photo)
    shown = Image.open(io.BytesIO(base64.b64decode(url.removeprefix("data:image/jpeg;base64,"))))
    assert shown.size == (640, 320) and photo.size == (1024, 512)
    assert Image.open(io.BytesIO(base64.b64decode(photo_url(Image.new("RGB", (9, 5)))[23:]))).size == (9, 5)


def test_sliders_have_their_bounds_labels_and_starts() -> None:
    markup = dials_html(tuple(DIALS.values()))
    assert re.findall(r"<span>([\w ]+)</span>", markup) == [dial.field.label for dial in DIALS.values()]
    assert 'min="-180" max="180" step="1" value="0"' in markup and 'min="0" max="3" step="0.05" value="1"' in markup
    assert starts(tuple(DIALS.values())) == "0 0 0 0 1 0"
    evil = dials_html([Dial(Field("<b>", '"q"', 0, 1), 0, 1)])
    assert "&lt;b&gt;" in evil and 'title="&quot;q&quot;"' in evil


def test_numbers_are_read_under_their_names() -> None:
    assert numbers_in("0.5 1 -3", ("a", "b", "c")) == {"a": 0.5, "b": 1, "c": -3}


@pytest.mark.parametrize("text", ["", "1 2", "1 2 3 4", "1 2 x", None, "<b>", "1 " * 10_000, 7, ["1 2 3"]])
def test_what_no_slider_wrote_is_refused(text: Any) -> None:
    with pytest.raises(ConfigError, match="press Reset"):
        numbers_in(text, ("a", "b", "c"))
