"""Alembic's entry: runs on the connection and in the transaction that ``upgrade`` opened."""

from alembic import context

from serving.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
