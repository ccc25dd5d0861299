"""Whole tenants and the nodes of a type, out and in: files, and what stands in them.

It may know operations, access, query, contract, sql, context, documents, db, plan, config,
errors and wording.
"""
