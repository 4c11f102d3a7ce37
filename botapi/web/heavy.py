"""Decorators for work that takes long: a handler in; one that runs elsewhere, later, or with its own folder, out."""

from __future__ import annotations

import contextvars
from functools import partial, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from botapi.web.api import Api, Handler
from botapi.web.request import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def async_if_callback_url(f: Handler) -> Handler:
    """Decorator: with `?callback_url=` the answer is 204 at once, and what `f` answers is posted there later.

    With or without it, only a few such requests run at once (`api.offload`); others get 503 and Retry-After.
    """

    @wraps(f)
    def decorated(api: Api, request: Request, **params: Any) -> WSGIApplication:
        return api.offload(api.application(f))

    return decorated


def run_in_thread(f: Handler) -> Handler:
    """Decorator: `f` runs in a thread of the pool for heavy work, in a copy of the request's context."""

    @wraps(f)
    def decorated(api: Api, request: Request, **params: Any) -> WSGIApplication:
        context = contextvars.copy_context()
        return api.pool.submit(context.run, partial(f, api, request, **params)).result()

    return decorated


def inject_temp_dir(f: Handler) -> Handler:
    """Decorator: `f` gets `temporary_directory`, a folder that is gone when it returns.

    NOTE: a file that the response has open stays readable until it is closed (POSIX).
    """

    @wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> WSGIApplication:
        with TemporaryDirectory(prefix="botapi-") as directory:
            return f(*args, temporary_directory=Path(directory), **kwargs)

    return decorated
