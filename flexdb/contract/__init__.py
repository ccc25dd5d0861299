"""What a call may say and what it gives: the registry of operations, parameters, fields.

It may know context, documents, plan and errors; never query, operations or a door.
"""
