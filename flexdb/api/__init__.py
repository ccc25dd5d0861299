"""How flexdb is reached: JSON-RPC, REST, health; each door makes the context of a call.

It may know changes, access, query, contract, sql, context, documents, db, plan, telemetry, config
and errors.
"""
