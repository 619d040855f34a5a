"""What a Net predicts for a test image and for a visitor's own."""
