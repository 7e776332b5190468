"""What people breathe: CO2, temperature, humidity."""
