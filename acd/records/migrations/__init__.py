"""How the tables came to be as they are, one file for each step; `acd.records.schema` runs them."""
