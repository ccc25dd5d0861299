"""The records of a node type: as a table, and each as a form and as JSON."""
