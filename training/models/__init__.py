"""Architectures only: no losses, no loops, no logging."""
