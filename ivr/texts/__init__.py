"""Text messages as conversations: what providers post, and what goes back over the outbox."""
