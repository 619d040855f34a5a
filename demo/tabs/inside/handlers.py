"""What happens on the tab Inside: one method for each thing that a visitor can do."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
from PIL import Image

from cifar_core.data.browse import MAX_SEED, page_of
from cifar_core.errors import NOT_FINITE, CifarError, ImageError, NetError, RunError
from cifar_core.field import whole_number
from cifar_core.images import to_net_input
from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry, own_image
from demo.tabs.inside.first_layer import first_layer_html
from demo.tabs.inside.layout import PREDICTED, InsideWidgets
from demo.tabs.inside.state import InsideState, Place, key_of
from demo.tabs.inside.subject import Subject, subject_of
from demo.tabs.inside.views import about_html, architecture, neighbours, saliency, searching_html, stages_html, unit
from demo.widgets.events import Outputs
from demo.widgets.image_grid import grid_html
from demo.widgets.look_at import LookAt
from demo.widgets.net_choices import net_choices
from demo.widgets.templates import message_box

PER_PAGE = 12
TELL_EVERY = 0.2
"""seconds between two updates of a search's progress"""
