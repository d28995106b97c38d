"""The pages in the browser: a Dash app of our own components, which ask the REST API."""
