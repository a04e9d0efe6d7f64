"""Training: the Lightning module and its callbacks."""
