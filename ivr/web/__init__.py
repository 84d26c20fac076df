"""The web side: one server, its rights, the HTTP API, the event stream, and the agent's desk."""
