"""pygeoapi-oapip: an OGC API - Processes server that runs CWL application packages.

Importing this package loads nothing else: each family imports its own libraries when it is first used.
"""

__version__ = "0.1.0"
