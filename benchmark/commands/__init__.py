"""What each command does: read arguments that are already parsed, call the packages, print for people."""
