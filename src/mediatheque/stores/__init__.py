"""Places where bytes live."""
