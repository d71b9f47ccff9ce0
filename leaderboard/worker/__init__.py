"""The worker: takes what waits, scores it in a process that is held to limits, and writes down what came of it."""
