"""The client whose calls are awaited.

Written by ``scripts/make_client.py`` of what is awaited.
"""
