"""The tab Inside: every number that a Net computes for one image, and why it predicts what it predicts."""
