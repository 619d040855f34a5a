"""Templates: whatever a name holds, it is text."""

import numpy as np

from cifar_core.data import Splits
from demo.widgets.templates import data_url, message_box
from tests.helpers.markup import images_in, text_of


def test_a_note_is_text_in_a_box() -> None:
    assert message_box("a <b> & c", "error") == '<div class="note error" role="alert">a &lt;b&gt; &amp; c</div>'
    assert 'role="status"' in message_box("all is well")
    assert text_of(message_box("")) == ""


def test_an_image_has_the_very_pixels(tiny: Splits) -> None:
    image = tiny.train.images[5]
    (found,) = images_in(data_url(image))
    assert np.array_equal(found, image)
