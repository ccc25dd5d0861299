"""What a person sees: pages and what they are made of, and the console.

It may know api, transfer, contract, documents, db, telemetry, config, errors, wording and the
version.
"""
