"""The agent: everything between the wires and the line, wired together for one hall.

What flows in: readings from ``devices``, commands from ``mqtt`` and the control socket. What flows out: journal
rows, the present of the hall, actions. ``agent`` wires; ``sampler`` reads; ``hall/`` (the pure wing) judges;
``journal`` keeps; ``outputs`` act; ``page/`` and ``control`` show; ``hallfile`` says what the hall is; ``verbs``
are the command line. Only ``provisioning`` and ``hallgate.py`` stand above.
"""
