"""The waist: frozen plain values that every door, engine and store shares; no I/O, no third party."""
