"""The steps: `v0005_...` follows `v0004_...`, and none is changed once it was released."""
