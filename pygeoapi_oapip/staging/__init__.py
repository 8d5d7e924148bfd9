"""How references in requests and packages are read, and guarded."""
