"""Alembic's entry point; the connection is the one that the store opened."""

from alembic import context

from bot.store import indexes
from bot.store.tables import metadata

indexes.only(None)  # loading it adds them to the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
