"""Trained models as archives: named byte strings and metadata in, a .tar.gz out; and back, from tar.gz or zip, checked.

An archive holds `metadata.json` first, then `domain.json`, `config.json`, `nlu/…` and `policies/…`: data only, never
code. Everything but `metadata.json` is the same, byte for byte, for the same training data and seed.
"""

from __future__ import annotations

from botapi.model.archive import Archive, Metadata, find, merge, newest, open_model, pack

__all__ = ["Archive", "Metadata", "find", "merge", "newest", "open_model", "pack"]
