"""A technician's tools: what is done to a board before it runs, and when something must be looked at.

What flows in: a hall file, and the board's own buses and disk. What flows out: text for the person at the keyboard,
JSON for a program, files that a board needs. It uses ``edge`` and ``devices`` and nothing uses it but
``hallgate.py``; the running agent never loads it, so what is heavy may be imported here, by the verb that needs it.
"""
