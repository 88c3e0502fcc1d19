"""Pour almonds: a cup full of them is emptied into a bowl."""
