"""Commands: from the command line to what is printed."""
