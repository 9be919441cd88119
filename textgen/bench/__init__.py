"""Measurements of this machine: how fast it writes, what memory that takes, and how soon it starts."""
