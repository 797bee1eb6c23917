"""Looking into a dead-letter queue, and putting back what can be done now."""
