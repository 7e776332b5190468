"""The small world behind the simulators: people, staff and air of a hall that does not exist.

``lockstep``   simulated time: hours pass in seconds, and no thread gets ahead of another.
``wires``      the far end of every bus, where twins answer instead of parts.
``world``      a hall's days, one after another. What happens in them has its own rooms: ``people`` come through the
               ``entrance`` to the ``counters``, ``staff`` disinfect, the ``air`` gets stale, ``mishaps`` befall.
               ``truth`` is what was so, ``fixtures`` are the devices that see it, ``course`` is where events go.
``scenario``   what kind of days these are (made of a ``plan``'s pieces); ``recording`` has a real door's instead.
``fake``       puts these together for a ``site``: the wires, the clock and the world of ``--fake``.

A twin knows its own part's bytes and nothing of people; the world knows people and calls the twin by what a
person does (walk, stand before it, press). Drivers know of neither.
"""
