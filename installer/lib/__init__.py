"""What the installer's commands are made of. Python's standard library only: it runs before anything is installed."""
