"""Other packages and formats."""
