"""A check of a model, step by step: its files, its vocabulary, what it writes and what it can be used for."""
