"""Training on the page: settings, the run that is followed, links to a set-up, and a visitor's own runs."""
