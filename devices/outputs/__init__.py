"""What the hall switches: fans, lights, buzzers."""
