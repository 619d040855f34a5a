"""The tab Over time: how a Net became what it is."""
