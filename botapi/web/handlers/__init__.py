"""One module a resource: request and path parameters in, Response out."""
