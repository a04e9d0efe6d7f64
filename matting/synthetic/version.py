"""The version of the rendered corpus."""

VERSION = 13
"""Raise it with every change to an image: cached corpora of another version are not used."""
