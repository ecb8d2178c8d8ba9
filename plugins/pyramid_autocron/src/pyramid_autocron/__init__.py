"""autocron for Pyramid."""
