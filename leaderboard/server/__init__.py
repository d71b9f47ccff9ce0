"""The board over HTTP: an API to submit by and to read from, and the pages."""
