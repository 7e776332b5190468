"""Counting people at a doorway: passages in and out."""
