"""What a call may say and what it gives: the registry of operations, parameters, fields.

It may know access, context, documents, plan, telemetry, errors and version; never query, operations
or a door.
"""
