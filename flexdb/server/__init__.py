"""The processes: what gunicorn runs before, beside and in the workers.

It may know api, documents, db, telemetry, config and errors.
"""
