"""How well files are understood, measured on files on which nothing was tuned."""
