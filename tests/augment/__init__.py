"""Tests of matting.augment."""
