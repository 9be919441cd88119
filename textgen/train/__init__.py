"""Training: networks from text, one recipe a kind of model.

>>> from textgen.train.run import train
>>> train("title", ["pairs.jsonl"], "runs/mine", dev="dev.jsonl", epochs=3)  # doctest: +SKIP
"""
