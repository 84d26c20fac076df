"""The house behind the flows: services, databases, tables, text messages and promises."""
