"""Spike trains: of one example, of a data set, their encoding and augmentation."""
