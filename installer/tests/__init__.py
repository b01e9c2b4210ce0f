"""Tests of the installer: `python3 -m unittest discover -s installer -t installer`."""
