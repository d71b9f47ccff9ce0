"""Test-Space Training: pre-train an RGB encoder by masked modelling of what a device senses in one space.

Data flows through the files in this order: adapters (patches → tokens), masking (what is seen, what is asked),
model (encoder and decoders), objective (how far off), reconstruct (pictures of it), masked (all of it, as the loop in
baselines/pretraining takes it). Config says what can be set, start what may be gone on from.
"""
