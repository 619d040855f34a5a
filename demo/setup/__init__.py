"""A set-up of the page: its settings, the link that carries them, and how the page applies it."""
