"""The pure wing: what the hall knows and concludes. No I/O, no clock, no thread.

Inputs (readings, health, commands) and a moment go in; log entries, the present, actions and answers come out.
The same inputs give the same outputs, byte for byte, so a day replays in seconds.
"""
