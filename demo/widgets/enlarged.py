"""One image, large (until all pages are templates; they use the macro)."""

import numpy as np
from markupsafe import Markup

from demo.widgets.templates import render


def enlarged(image: np.ndarray, alternative: str, *, title: str = "") -> Markup:
    """Return the HTML of one image, large, its pixels as squares."""
    return render("widgets/enlarged.html.j2", image=image, alt=alternative, title=title)
