"""From a project's files to a trained model archive."""
