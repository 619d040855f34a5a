"""Asking a Net about a picture, and the upload doctor."""
