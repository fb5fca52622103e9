"""What a description compiles to: frozen values, no object of the description in them."""
