"""Furniture from Sweet Home 3D libraries: read, named in our categories, lightened where it is too heavy."""
