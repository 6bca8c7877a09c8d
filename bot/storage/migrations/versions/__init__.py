"""One script a revision, the oldest first."""
