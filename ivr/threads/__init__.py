"""Conversations in letters: chats and SMS, kept, with their flow and their agents."""
