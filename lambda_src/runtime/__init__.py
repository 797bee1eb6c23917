"""What every service's entry points stand on: HTTP, queues, secrets, settings, logs. Knows no table and no service."""
