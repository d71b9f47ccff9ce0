"""Masked modelling of tokens, in the style of 4M (Mizrahi et al. 2023), with tokenizers trained in the space itself.

In the order the data flows: quantise (numbers to a finite code), tokenizer (patches to codes and back), model (codes of
what is seen to codes of what is not), objective (both, as the loop takes them), picture.
"""
