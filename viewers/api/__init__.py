"""The REST API: recordings, labels and people over HTTP, in the process that serves the pages."""
