"""Pre-training of any objective: what an objective is, the loop, its settings, its log and what a finished run says.

Data flows through the files in this order: config (steps, batch, learning rate), objective (what is learned: networks
and losses), loop (steps, checkpoints, exact resume), log (the rows of ``log.csv``), result (what a run was and cost).
"""
