"""Who may do what: members, roles, users and keys."""
