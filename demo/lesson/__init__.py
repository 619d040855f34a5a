"""The lesson beside the page."""
