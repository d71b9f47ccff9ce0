"""Parametric furniture: every category, built from code, in four pools that share no look."""

from sim_envs.spaces.furniture.parametric.catalog import ParametricCatalog, parametric_catalog

__all__ = ["ParametricCatalog", "parametric_catalog"]
