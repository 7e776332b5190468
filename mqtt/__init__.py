"""The ground floor's other side: the contract with the broker, and the line to it.

What flows in: rows of an outbox in order of their lanes, the present of the hall, and from the broker commands.
What flows out: MQTT. ``messages`` is the contract as types and nothing else; ``uplink`` carries it; ``broker`` is the
one inside ``hallgate demo``; ``watcher`` reads as a centre does. Nothing here knows ``edge`` or ``devices``: the outbox
is a protocol that ``edge.journal`` fulfils.
"""
