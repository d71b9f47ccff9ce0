"""Metrics as arithmetic on sums that add up over frames: arrays in, arrays out, float64, any leading axes."""
