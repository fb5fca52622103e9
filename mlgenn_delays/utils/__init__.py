"""Helpers: data sets of spikes, filters, values, files, and what holds callbacks together."""
