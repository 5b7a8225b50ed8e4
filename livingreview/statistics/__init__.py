"""Pooling as statistics: arrays in, results out; nothing here knows of the review. Held to R, see ``tests/reference/AGREEMENT.md``."""
