"""The tab Browse: look through the data set."""
