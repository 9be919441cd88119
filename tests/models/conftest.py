"""Small random networks of transformers beside ours, and model folders on disk."""

from reference_networks import *  # noqa: F403
