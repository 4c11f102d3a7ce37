"""Heavy work outside the serving process: a folder with the request in, a result file out."""
