"""What a list may be asked: pages, filters, sorts, projections.

It may know contract, sql, context, documents, plan, errors and, for the form of an answer, config;
never operations.
"""
