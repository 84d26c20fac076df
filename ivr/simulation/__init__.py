"""Simulated days for people: the file that describes one, and how its figures are drawn."""
