"""Where `cm` starts: what it imports takes a moment, and Ctrl-C during that shows no traceback."""

import signal

if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from cm.app import main

if __name__ == "__main__":
    main()
