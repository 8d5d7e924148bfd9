"""The API definition: fragments of our own routes, the live processes, and what pygeoapi says of its paths."""
