"""What the operating system knows and does: kernel locks, pipes, wake-ups, and the birth and death of processes.

Everything here is POSIX. Windows would need the same few facts in another form: what is above this package makes pipes,
takes signals, reaps its own children, and leaves all else to it.
"""
