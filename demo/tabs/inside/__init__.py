"""What goes on inside a Net for one picture."""
