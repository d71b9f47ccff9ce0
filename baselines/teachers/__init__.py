"""Teachers: trained networks whose answers on the RGB of a space are extra modalities of its pre-training.

Data flows through the files in this order: table (which teachers there are), teacher (what each must do), features and
the pseudo-labels (sam, detector, segmenter), store (answers on disk, computed once a recording), frames (what
pre-training reads), grid (maps under a frame's flip and shift).
"""
