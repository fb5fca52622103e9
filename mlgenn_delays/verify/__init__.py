"""Checking gradients of a network of your own."""
