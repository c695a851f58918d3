"""What people are told when something breaks, and when it works again."""
