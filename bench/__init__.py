"""The benchmark: the service as shipped, its cost for each call, and yardsticks beside it."""
