"""Where jobs and processes live."""
