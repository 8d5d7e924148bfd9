"""CWL application packages: from and to the model."""
