"""One file a capture format: how its files are found, paired and decoded."""
