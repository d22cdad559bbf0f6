"""A shell with job control, as small as can be: runs one job on a terminal of its own.

`python shell.py TTY PROGRAM ARGUMENT…`, started as a session leader. It says `stopped` when the job
stops and continues it in the foreground at a line of input; at the end it says `ended STATUS`, and
`kept` if the job has the terminal back from whom it lent it to, or `lost`.
"""

import os
import signal
import sys


def main():
    terminal = os.open(sys.argv[1], os.O_RDWR)  # the first a session leader opens controls it
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        for stream in (0, 1, 2):
            os.dup2(terminal, stream)
        os.execv(sys.argv[2], sys.argv[2:])
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        os.tcsetpgrp(terminal, os.getpid())
        print("stopped", flush=True)
        sys.stdin.readline()
        os.tcsetpgrp(terminal, job)
        os.killpg(job, signal.SIGCONT)
    kept = "kept" if os.tcgetpgrp(terminal) == job else "lost"
    print("ended", os.waitstatus_to_exitcode(status), kept, flush=True)


main()
