"""Scene datasets made for habitat-sim: stages and objects, composed into one space."""
