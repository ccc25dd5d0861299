"""What a list may be asked: pages, filters, sorts, projections.

It may know contract, sql, documents, plan, context and errors; never operations.
"""
