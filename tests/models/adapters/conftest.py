"""Small random networks of transformers, as users' directories have them."""

from foreign_networks import *  # noqa: F403
