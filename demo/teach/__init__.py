"""The lesson, one step slowly, the lab, and a run as code."""
