"""WSGI layers for any application: each is `callable(app) -> app`, environ in, response out."""
