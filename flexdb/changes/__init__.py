"""What tells others of changes: streams, calls that wait, and the deliveries of webhooks.

It may know operations, access, query, contract, sql, context, documents, db, plan, telemetry,
config, errors and version.
"""
