"""Runs processes on other OGC API - Processes servers, as a client of their Part 1 Core."""
