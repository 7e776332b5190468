"""Looking at faces from a distance: surface temperatures, never identities."""
