"""Contestants of `benchmarks/peers.py`: textgen and others at the same work, and how they take turns."""
