"""From YAML files to flows, with every mistake told at its place."""
