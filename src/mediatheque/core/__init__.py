"""What is true whatever the door and whatever the disk."""
