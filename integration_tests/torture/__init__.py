"""Kills web processes, supervisors and workers of a real application under load, and counts what became of its jobs."""
