"""Sentence embeddings from a language model on this machine: texts in, vectors of meaning out; needs numpy."""
