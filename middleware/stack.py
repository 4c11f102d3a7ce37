"""Composition: an application and layers come in, one application comes out."""

from __future__ import annotations

from .wsgi import App, Layer


def stack(app: App, *layers: Layer) -> App:
    """Wrap `app` in `layers`, outermost first: a request passes them in the order in which they are written."""
    for layer in reversed(layers):
        app = layer(app)
    return app
