"""Part 3 nested processes: an input that is an output of another process, of this server or of another one."""
