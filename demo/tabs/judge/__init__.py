"""Where a Net fails."""
