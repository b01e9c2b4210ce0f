"""Millrace in a folder of its own, for trying it out: programs, certificates, configuration, running services."""
