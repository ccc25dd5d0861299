"""How flexdb is reached: over HTTP, as JSON-RPC 2.0."""
