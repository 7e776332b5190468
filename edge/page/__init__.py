"""The local page: what the hall's own staff see, and the socket through which the verbs look and act.

What flows in: the present as it was last committed, and how the gateway is. What flows out: one page, JSON, and a
stream of changes; commands only where whoever asks may act. ``app`` says what stands at which address, ``server``
carries it over a port and over a socket in the state directory, ``static`` is what the browser gets: no build step,
and nothing from elsewhere, because a hall may be cut off. None of it can hold up the hall: it reads what others
have committed, from threads of its own.
"""
