"""A package that is none of textgen's, and adds to it one thing of every kind."""
