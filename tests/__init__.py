"""Tests of 网规助手, importable as ``tests.…``."""
