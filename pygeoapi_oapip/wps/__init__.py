"""WPS 1.0.0 and 2.0.0: the same processes and jobs as OGC API, for older clients (docs/wps.md)."""
