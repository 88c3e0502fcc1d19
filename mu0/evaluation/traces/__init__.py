"""How good traces are: predicted ones and extracted ones."""
