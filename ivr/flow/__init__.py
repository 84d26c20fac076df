"""The flow language: read, checked and run. The interpreter is pure; media run it."""
