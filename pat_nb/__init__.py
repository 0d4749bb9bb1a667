"""Losses, data sets, networks and training for long-tailed semantic segmentation."""

__version__ = "0.1.0"
