"""OGC API - Processes over HTTP: an own Flask application on the same paths as pygeoapi."""
