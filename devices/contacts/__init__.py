"""Dry contacts: panic buttons, fire panels, door leaves."""
