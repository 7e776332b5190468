"""The ground floor's hardware side: bytes and edges in, readings out.

A *part* is one kind of thing a hall can buy (``mlx90614``, ``beams``). Each part is two files in the
folder of its class: ``<part>.py`` holds its settings and its driver, ``<part>_twin.py`` the simulator
that answers the same bytes. :mod:`devices.part` says what both look like and finds them by name.

What flows in: an open bus and settings (:class:`devices.part.Mount`). What flows out:
:class:`devices.reading.Reading` values, or a :class:`devices.faults.DeviceFault` in words that a
technician understands. Nothing here knows the hall, the journal, MQTT or the page; ``edge`` calls in
here, never the other way. :mod:`devices.world` is the small world that moves the twins.
"""
