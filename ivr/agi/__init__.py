"""FastAGI: how one coroutine of ours talks to one call in Asterisk."""
