"""The verbs of the flow language: one function reads the steps of each."""
