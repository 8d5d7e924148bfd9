"""Run by Alembic: the steps go over the connection that `upgrade` opened, in its transaction."""

from alembic import context

from pygeoapi_oapip.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
