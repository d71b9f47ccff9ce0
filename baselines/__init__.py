"""Models: the zoo, pre-training by masked modelling, heads, and the transfer that trains them."""
