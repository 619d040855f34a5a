"""Teaching: one step slowly, what a curve tells, a run as code and as a receipt."""
