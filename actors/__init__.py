"""The actors that do the work: one room per actor, its pure mathematics beside it."""
