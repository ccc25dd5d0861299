"""Who may call, and what: callers, roles, keys, tokens.

It may know config and errors.
"""
