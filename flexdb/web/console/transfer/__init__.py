"""Many records at once: imported, exported, and packages of examples."""
