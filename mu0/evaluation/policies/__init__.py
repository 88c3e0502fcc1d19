"""How good policies are in closed loop."""
