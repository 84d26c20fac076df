"""The operator's words, in Asterisk's console and on the command line: look, ask why, act."""
