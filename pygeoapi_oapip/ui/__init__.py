"""HTML pages: templates and static files. Light, self-contained, and working without any other host."""
