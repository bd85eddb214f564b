"""Servers that act like the real ones, faults included, on loopback."""
