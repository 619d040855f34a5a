"""The tab Over time: how the Net got where it is."""
