"""WPS 2.0.0 (OGC 14-065): readers of its requests, writers of its documents, and the binding to the operations."""
