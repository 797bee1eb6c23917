"""The check after a deployment: health, one read, one write that is deleted again, against the deployed API."""
