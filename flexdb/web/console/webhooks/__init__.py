"""Webhooks: where changes are posted, and what became of each delivery."""
