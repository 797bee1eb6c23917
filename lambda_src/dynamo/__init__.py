"""The table layer: table design as data, and the few ways in which a service reads and writes its tables."""
