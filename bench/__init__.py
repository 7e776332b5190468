"""What hallgate costs and how fast it is, measured from outside.

What flows in: a hall of our own making. What flows out: one table, or with ``--json`` one object. Nothing else of this
repository calls in here, and the programs under test do not know that they are measured.

``steady``  hallgate beside a plain paho-and-SQLite loop (``plain``): both read the same frames at the same time from
            lines that ``wire`` plays, and speak to the same broker (``broker``); ``probe`` reads from /proc what that
            costs each. The loop is what one would write in an afternoon for just this job, so the ratio says what all
            the rest of hallgate is paid for with, and it means more than either figure: another machine is faster or
            slower for both.
``replay``  a simulated day through real drivers, kept, and put twice to a fresh hall of the pure wing: the same
            readings must come to the same entries, byte for byte, and how many a second it judges.

How to read the table of ``steady``:

memory        PSS and RSS at the end of the quiet time. PSS shares out what several processes have mapped, and several
              Pythons run here: on a board, where it is alone, it has nearly its RSS.
CPU           of one core, in the quiet time: nobody has a fever.
wake-ups      how often a second any thread was woken, in the quiet time.
cold start    from exec to its "online" at a subscriber; median of several, files and bytecode in the cache.
alarm         from the last byte of a frame of 38.0 ℃ on the wire to the alarm's message at a subscriber. Both programs
              have it on the disk (fsync) before they tell: compare with the table's "sync" line.
              The meter on each line is in the way, and the other program wants the same disk and cores: on a machine
              of two cores that was a quarter of the figure.
written       what the kernel was made to write, extrapolated from the quiet time. Telemetry is gathered by the
              minute, so only whole minutes (``--seconds 60``, ``120``) say what an hour costs.
line          bytes from that program to the broker in the quiet time, for each frame fed (MQTT, without TLS). A frame
              has two values in it, and both programs tell both.

The aims are hallgate's own.
"""
