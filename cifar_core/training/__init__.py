"""Training: the tutorial's loop as a stream of events, and what stands beside it."""
