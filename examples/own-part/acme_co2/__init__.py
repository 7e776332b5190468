"""The Acme CO2 transmitter, for hallgate."""
