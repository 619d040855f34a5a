"""How a Net got where it is."""
