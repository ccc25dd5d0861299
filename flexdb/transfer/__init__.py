"""Whole tenants out and in: files, and the lines in them.

It may know operations, contract, documents, sql, db, config and errors.
"""
