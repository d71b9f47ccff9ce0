"""Self-distillation with no labels (DINO, Caron et al. 2021) on RGB frames of a space.

Written by the paper: a student learns to say of every crop of a frame what a teacher says of the two large ones; the
teacher is a running mean of the student. In the order the data flows: crops, head, running, loss,
objective, picture.
"""
