"""Trimap-free portrait matting: the structure of the training data, made explicit."""

__version__ = "0.1.0"
