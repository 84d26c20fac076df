"""Tieline's telephony side: call flows, Asterisk's edge, channels, speech and the command line."""
