"""Pure functions from predictions and targets to numbers."""
