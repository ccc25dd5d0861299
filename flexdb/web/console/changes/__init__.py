"""What happened to records: the feed of changes, a record's history, and what is deleted."""
