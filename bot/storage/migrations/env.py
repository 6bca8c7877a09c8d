"""Alembic's entry: runs the scripts on the connection that `bot.storage.migrating` hands over."""

from alembic import context

from bot.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters little in place
)
with context.begin_transaction():
    context.run_migrations()
