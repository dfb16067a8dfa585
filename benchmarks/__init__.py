"""How fast the server is, side by side with what the machine itself can do in the same run: `python -m benchmarks`."""
