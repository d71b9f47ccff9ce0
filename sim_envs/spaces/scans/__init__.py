"""Imported scans: meshes and labels of several formats, set upright, in metres, with categories."""
