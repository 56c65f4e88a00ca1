"""The clients: thin faces with typed methods."""
