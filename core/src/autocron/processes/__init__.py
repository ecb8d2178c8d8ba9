"""What the operating system knows and does: kernel locks, pipes, wake-ups, and the birth and death of processes.

Everything here is POSIX. Windows would need the same few facts in another form; nothing above this package
touches the operating system's process interface.
"""
