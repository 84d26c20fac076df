"""What callers hear: spoken and recorded prompts, music on hold, the service's own phrases."""
