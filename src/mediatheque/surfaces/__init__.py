"""The doors: a foreign dialect in, one core call, the dialect's shape out."""
