"""Furniture: what stands, hangs and lies in the built-in spaces, parametric or from libraries."""
