"""How PostgreSQL is reached. Only this package knows psycopg.

It may know telemetry, plan, config and errors.
"""
