"""Benchmarks on a real Asterisk with a running service, beside Asterisk's own `Queue()`."""
