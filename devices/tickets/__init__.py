"""Tickets: keys for services, the printer, calls from the counters."""
