"""The command `mu0`: the library's commands and those of the workflow."""
