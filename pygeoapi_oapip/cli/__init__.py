"""The `oapip` command."""
