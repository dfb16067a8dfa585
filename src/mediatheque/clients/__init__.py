"""Everything that talks out."""
