"""Tests of the bot package's modules."""
