"""How a Net processes an image on the way to its prediction, and how far that prediction can be trusted."""
