"""WSGI layers for any application: each is `callable(app) -> app`, environ in, response out.

A layer is a class with `__init__(self, app, *, option=...)` and `__call__(self, environ, start_response)`. Layers know
nothing of each other's classes, keep no request objects and work around any WSGI application (PEP 3333). Compose them
with `stack`, outermost first:

    app = stack(app, RequestLog, partial(CORS, origins=["https://a.example"]), ErrorsToJSON)

Keys that layers add to environ, for whoever is further in:

    middleware.request_id     str, the id of this request                            (requestlog)
    middleware.render_error   callable (exception, environ) -> status, headers, body (errors)
    middleware.identity       auth.Identity, who sent the request                    (auth)

One that the server may put there:

    middleware.afterwards     callable (callable): calls it once the response has gone out (requestlog, metrics)

And some that applications may leave for the layers around them:

    middleware.subject        whom the request is about                              (read by idempotency)
    middleware.route          str, the matched route, such as `/users/{name}`        (read by metrics)
"""

from __future__ import annotations

from .errors import HTTPError
from .stack import stack

__all__ = ["HTTPError", "stack"]
