"""How a request is sent: how many at a time, what the endpoint takes, which failures are worth another attempt."""
