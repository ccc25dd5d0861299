"""The processes: what gunicorn runs before, beside and in the workers.

It may know the application, api, changes, operations, contract, context, access, documents, db,
plan, telemetry, config, errors and wording.
"""
