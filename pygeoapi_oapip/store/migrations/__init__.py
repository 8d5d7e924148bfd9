"""Database migrations (alembic), packaged with the server."""
