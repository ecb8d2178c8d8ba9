"""Real servers, real processes, one database each: what must be true of the running system."""
