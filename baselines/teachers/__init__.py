"""Teachers: trained networks whose answers on the RGB of a space are extra modalities of its pre-training."""
