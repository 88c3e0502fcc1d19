"""What this processor does fast, asked before it is relied on: number formats, threads."""
