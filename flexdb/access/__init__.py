"""Who may call, what, and how often: callers, roles, keys, tokens, rates.

It may know config and errors.
"""
