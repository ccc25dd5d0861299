"""The service: how it is, what was used of it, who changed it, and every call it answers."""
