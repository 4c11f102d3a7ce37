"""Learned entities: examples in, a tagger out; then texts in, entities with offsets and confidences out."""
