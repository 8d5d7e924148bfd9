"""The engine of the processes that the server brings itself: no package, no subprocess."""
