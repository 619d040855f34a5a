"""The tab One step: one mini-batch, number by number."""
