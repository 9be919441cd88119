"""Paraphrases of a text: other words for its words, and other forms of its sentences."""
