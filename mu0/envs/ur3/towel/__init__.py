"""Unfold towel: a folded cloth on the table, to be spread out."""
