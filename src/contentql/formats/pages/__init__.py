"""Web pages, and JSON-LD of schema.org."""
