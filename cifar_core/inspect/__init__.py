"""Seeing inside: what a Net makes of a picture on the way to its answer, and how far that answer can be trusted."""
