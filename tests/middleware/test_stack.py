"""Composition: the first layer named is the outermost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from middleware import stack


def naming(name, passed):
    """A layer that writes its name down when a request passes."""

    def layer(app):
        def layered(environ, start_response):
            passed.append(name)
            return app(environ, start_response)

        return layered

    return layer


@given(st.lists(st.text(max_size=3), max_size=8))
def test_a_request_passes_the_layers_as_they_are_written(names):
    passed = []
    app = stack(lambda environ, start_response: [b"inside"], *(naming(name, passed) for name in names))
    assert app({}, None) == [b"inside"]
    assert passed == names
