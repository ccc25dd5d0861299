"""Who may call, and what: roles, keys.

It may know errors alone.
"""
