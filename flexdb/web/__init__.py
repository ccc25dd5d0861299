"""What a person sees: pages and what they are made of.

It may know api, contract, config and the version.
"""
