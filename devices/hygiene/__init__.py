"""Who disinfected what and when: badges and buttons."""
