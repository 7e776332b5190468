"""The small world behind the simulators: people, staff and air of a hall that does not exist.

``lockstep``   simulated time: hours pass in seconds, and no thread gets ahead of another.
``wires``      the far end of every bus, where twins answer instead of parts.
``world``      visitors, clerks, air and tickets; it knows the truth. ``people``, ``air``, ``scenario`` and
               ``recording`` are its rooms.
``fake``       puts these together for a hall file: the wires, the clock and the world of ``--fake``.

A twin knows its own part's bytes and nothing of people; the world knows people and calls the twin by what a
person does (walk, stand before it, press). Drivers know of neither.
"""
