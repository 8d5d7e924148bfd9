"""Places where work can run, one per back end, independent of each other."""
