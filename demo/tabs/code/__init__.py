"""The tab Code: a run as a script, and its receipt."""
