"""What tells others of changes: the deliveries of webhooks.

It may know operations, access, query, contract, sql, context, documents, db, plan, telemetry,
config, errors and version.
"""
