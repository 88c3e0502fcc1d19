"""How long the chain will take on this machine, said before it starts; how far it is, said while it runs."""
