"""Pictures of flows: what a caller meets, for people who do not read YAML."""
