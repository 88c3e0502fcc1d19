"""Geometry without learning: cameras, rigid motions, paths and splines. Arrays in, arrays out."""
