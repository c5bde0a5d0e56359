"""Having steps done on Ray: workers, where they fit, and which step goes first."""
