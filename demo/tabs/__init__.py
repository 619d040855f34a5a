"""One folder per tab, named as on the screen."""
