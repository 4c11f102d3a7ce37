"""Project files: YAML in, training data, stories and domain out, each error with file and line."""
