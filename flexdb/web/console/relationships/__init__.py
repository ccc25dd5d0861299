"""What records are related to: as tables, as a graph, and the types of relationships."""
