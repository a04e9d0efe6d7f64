"""The version of what the corpus looks like."""

VERSION = 13
"""Raise it with every change of an image: cached corpora of another version are not used."""
