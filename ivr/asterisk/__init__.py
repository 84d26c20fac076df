"""Asterisk as a process and a peer: its configuration, its manager interface, its events."""
