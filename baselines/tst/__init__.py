"""Test-Space Training: pre-train an RGB encoder by masked modelling of what a device senses in one space.

Data flows through the files in this order: adapters (patches → tokens), masking (what is seen, what is asked),
model (encoder and decoders), objective (how far off), pretrain (the loop), reconstruct (pictures of it).
"""
