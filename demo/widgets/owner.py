"""Who owns a run: an unguessable key that lies in the visitor's browser and nowhere else."""

import secrets

import gradio as gr

STORAGE_KEY = "cifar-demo-owner"
"""under which the key lies in the browser"""
STORAGE_SECRET = "fixed-so-that-a-restart-keeps-the-key"
"""obfuscates the key there, no more"""


def owner_state() -> gr.BrowserState:
    """Return the component that carries the key; empty until the page gives the browser one."""
    return gr.BrowserState(None, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)


def owner_key_of(stored: object) -> str:
    """Return the key that a browser has stored, or a new unguessable one."""
    valid = isinstance(stored, str) and stored.isascii() and 16 <= len(stored) <= 100
    return str(stored) if valid else secrets.token_urlsafe(24)
