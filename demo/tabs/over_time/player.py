"""The player: moves through the history of a run in the browser."""

from pathlib import Path

import gradio as gr

_PLAYER = """
<section class="time-player" hidden>
  <div class="time-controls">
    <div class="time-buttons">
      <button type="button" class="earlier">Earlier</button>
      <button type="button" class="play">Play</button>
      <button type="button" class="later">Later</button>
    </div>
    <input type="range" min="0" step="1" value="0" aria-label="Moment of the training">
  </div>
  <p class="moment"></p>
  <div class="time-parts">
    <div class="time-filters">
      <h3>First-layer filters</h3>
      <div class="tiles"></div>
      <p class="quiet">Grey is a weight of zero. The same colour is the same weight at every moment.</p>
    </div>
    <div class="time-classes"><h3>Right answers in each class</h3><table class="bars"></table></div>
    <div class="time-matrix">
      <h3>Which class the Net says</h3><div class="scroll"><table class="said-table"></table></div>
      <p class="quiet said"></p>
    </div>
  </div>
  <p class="quiet counted"></p>
  <h3>Four test images, always the same</h3>
  <div class="time-pictures"></div>
</section>
"""


def time_player(*, elem_id: str) -> gr.HTML:
    """Shows what `history_json` gives; an empty value shows nothing.

    Its event `look` asks, while the run goes on and the player is seen, whether there is news: it tells `run` and
    `version`. Its event `open` tells `run`, `step` and the `index` of a test image to be looked at.
    """
    code = (Path(__file__).parent / "player.js").read_text()
    return gr.HTML("", html_template=_PLAYER, js_on_load=code, label="History of a run", elem_id=elem_id)
