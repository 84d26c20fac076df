"""Tieline's distributor: who talks to whom, what is remembered, and what is written down."""
