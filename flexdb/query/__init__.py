"""What a list may be asked: pages, filters, sorts, projections; and which rows there are to whom.

It may know access, contract, sql, context, documents, plan, errors and, for the form of an answer,
config; never operations.
"""
