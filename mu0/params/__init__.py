"""Params, typed and checked: one frozen section per step; functions take their section as an argument."""
