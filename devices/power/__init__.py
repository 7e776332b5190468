"""What the gateway itself lives on: mains, batteries and the current between them."""
