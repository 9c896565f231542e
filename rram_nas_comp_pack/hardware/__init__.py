"""The analytical hardware model: configuration, component tables, processing element."""
