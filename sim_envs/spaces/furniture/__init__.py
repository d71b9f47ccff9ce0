"""Furniture: what stands, hangs and lies in the built-in spaces, from parametric pieces or artists' libraries."""
