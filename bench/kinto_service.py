"""Kinto with its records and permissions in PostgreSQL, run in a virtual environment of its own.

Records are held to the schema of their collection, as nodes are to that of their type. The settings
are those of https://docs.kinto-storage.org/en/stable/configuration/production.html
"""

from __future__ import annotations

import os
import sys

import kinto
from kinto.core.scripts import migrate

_DATABASE = ("postgresql://{DB_USER}:{DB_PASSWORD}@/{DB_NAME}?host={DB_HOST}&port={DB_PORT}"
             .format_map(os.environ))
app = kinto.main({}, **{
    "kinto.storage_backend": "kinto.core.storage.postgresql",
    "kinto.storage_url": _DATABASE,
    "kinto.permission_backend": "kinto.core.permission.postgresql",
    "kinto.permission_url": _DATABASE,
    "kinto.cache_backend": "kinto.core.cache.memory",
    "kinto.userid_hmac_secret": "bench",
    "kinto.bucket_create_principals": "system.Everyone",
    "kinto.experimental_collection_schema_validation": "true",
    "multiauth.policies": "basicauth",
})

if __name__ == "__main__" and sys.argv[1:] == ["migrate"]:
    migrate({"registry": app.registry})
