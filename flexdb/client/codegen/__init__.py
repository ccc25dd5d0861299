"""Python modules of a tenant's node types: what their records are, as classes.

Schemas are data that others wrote, so of what they say only names and shapes come into a module.
"""
