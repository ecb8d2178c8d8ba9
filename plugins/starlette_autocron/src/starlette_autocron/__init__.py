"""autocron for Starlette and FastAPI."""
