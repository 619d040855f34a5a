"""How the page looks: one quiet theme; the few rules of its own stand in style.css and one file a tab."""

from pathlib import Path

import gradio as gr

DEMO = Path(__file__).parent.parent
CSS = [DEMO / "widgets" / "style.css", *sorted(path for path in DEMO.glob("*/**/*.css") if path.name != "style.css")]


def theme() -> gr.themes.Base:
    """Indigo on cool grey, in the fonts of the reader's own system: nothing is fetched from elsewhere."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        block_label_background_fill="transparent",
        block_shadow="none",
        # quiet text is still to be read: 4.5 to 1 against every light background of the page
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_300",
        color_accent="*primary_600",
        block_info_text_color="*neutral_600",
        block_label_text_color="*neutral_600",
        block_title_text_color="*neutral_600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_text_color="white",
    )
