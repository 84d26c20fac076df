"""Scenarios played and judged: as text, as a chat, and as calls on a real Asterisk."""
