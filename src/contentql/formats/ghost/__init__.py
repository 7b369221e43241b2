"""Ghost's JSON export."""
