"""Properties held against generated input."""
