"""The HTTP edge: environ in, WSGI response out; the only room that knows status codes."""
