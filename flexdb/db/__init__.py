"""How PostgreSQL is reached. Only this package knows psycopg."""
