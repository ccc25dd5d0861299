"""Whole tenants out and in: files, and the lines in them.

It may know operations, contract, sql, context, documents, db, config and errors.
"""
