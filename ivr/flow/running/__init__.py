"""Runs flows: one step, one action at a time. Pure."""
