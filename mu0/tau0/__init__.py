"""The world model τ0-WM: pictures, actions and progress predicted together, and the data for it."""
