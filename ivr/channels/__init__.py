"""One medium each: how an action of the flow is performed, and what came of it."""
