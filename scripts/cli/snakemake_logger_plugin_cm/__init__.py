"""Snakemake logger `cm`: a run's progress on one line that moves, or as plain lines, and its events in a file.

Whoever asks for Snakemake's own words (a dry run, --verbose, --quiet, --printshellcmds, --summary, --list-rules, ...)
gets them as Snakemake itself writes them; a run's events are kept all the same.
"""

import os
import sys
import threading
import time
from logging import ERROR, Handler, LogRecord
from typing import TextIO

from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter, logger
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import OutputSettingsLoggerInterface

from snakemake_logger_plugin_cm.reporter import Reporter
from snakemake_logger_plugin_cm.screen import Screen
from snakemake_logger_plugin_cm.waits import waits

REDRAW_SECONDS = 0.1
LOOK_SECONDS = 1.0
CLUSTER_SECONDS = 60.0
SCREEN = "CM_SCREEN"
"""Set by `cm`, which starts Snakemake: the file descriptor to show the run on. Standard error then carries all else,
such as the tracebacks that Python writes when Ctrl-C meets it anywhere."""


class LogHandler(LogHandlerBase):
    """What Snakemake calls: `emit` with every record, in one thread made for it, and `close` at the end."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        settings = self.common_settings
        led = os.environ.pop(SCREEN, "")
        stream = open(int(led), "w", encoding="utf-8") if led and not settings.stdout else None  # noqa: PTH123, SIM115
        self.native = native_handler(settings, stream)
        self.screen = Screen(self.native.stream, colour=not settings.nocolor)
        self.reporter = Reporter(self.screen)
        self.held: list[LogRecord] | None = []
        self.reports = self.watches_cluster = False
        self.closing = threading.Event()

    def emit(self, record: LogRecord) -> None:
        """Show and note a record. A fault of this logger is told once; from then on Snakemake speaks for itself."""
        try:
            if self.held is None:
                self._take(record)
            else:
                self._hold(record)
        except BrokenPipeError:  # nobody reads on
            self.screen.stream = self.native.stream = open(os.devnull, "w")  # noqa: PTH123, SIM115
        except Exception:
            self.handleError(record)
            self.reports = False
            if not self.screen.silent:
                self.screen.draw("")
                self.screen.silent = True
                self.native.handle(record)

    def close(self) -> None:
        if self.closing.is_set():
            return
        self.closing.set()
        with self.lock:
            ending = sys.exc_info()[0]
            if self.held is not None:
                self.reports = bool(ending) or any(record.levelno >= ERROR for record in self.held)
                self._release(native=not self.reports or asks_for_native(self.common_settings))
            self.screen.draw("")
            if self.reports:
                self.reporter.end(time.time(), interrupted=ending is KeyboardInterrupt)
        super().close()

    def _hold(self, record: LogRecord) -> None:
        """Keep what comes before it is clear whether Snakemake will run jobs or only answer (--summary, --lint)."""
        self.held.append(record)
        if getattr(record, "event", None) == LogEvent.WORKFLOW_STARTED:
            pretends = self.common_settings.dryrun or {"--touch", "-t"} & set(record.cmd.split())
            self.reports = not pretends
            self._release(native=not self.reports or asks_for_native(self.common_settings))
            if self.reports:
                threading.Thread(target=self._watch, daemon=True).start()
        elif record.msg == "Building DAG of jobs...":
            self._release(native=True)

    def _release(self, native: bool) -> None:
        held, self.held = self.held, None
        self.screen.silent = native
        for record in held:
            self._take(record)

    def _take(self, record: LogRecord) -> None:
        if self.screen.silent:
            self.native.handle(record)
        if self.reports:
            self.reporter.take(record)
            if self.reporter.cluster.run and not self.watches_cluster:
                self.watches_cluster = True
                threading.Thread(target=self._watch_cluster, daemon=True).start()

    def _watch(self) -> None:
        """Draw the moving line and see which jobs wait; their logs are read while records are taken."""
        moves, look = self.screen.moves and not self.screen.silent, time.monotonic()
        while not self.closing.wait(REDRAW_SECONDS if moves else LOOK_SECONDS):
            if time.monotonic() >= look:
                look = time.monotonic() + LOOK_SECONDS
                with self.lock:
                    running = [*self.reporter.progress.running.values()]
                found = waits(running)
                with self.lock:
                    self.reporter.note_waits(found, time.time())
            if moves:
                with self.lock:
                    self.screen.draw(self.reporter.line(time.time(), self.screen.columns))

    def _watch_cluster(self) -> None:
        """Say what Slurm knows of the run's jobs and Snakemake does not; Slurm may be slow to answer."""
        while not self.closing.wait(CLUSTER_SECONDS):
            with self.lock:
                running = {number: job.name for number, job in self.reporter.progress.running.items()}
            for line in self.reporter.cluster.look(running, time.time()):
                logger.warning(line)


def asks_for_native(settings: OutputSettingsLoggerInterface) -> bool:
    asked = (settings.verbose, settings.debug_dag, settings.printshellcmds, settings.show_failed_logs)
    return settings.dryrun or bool(settings.quiet) or any(asked)


def native_handler(settings: OutputSettingsLoggerInterface, stream: TextIO | None) -> Handler:
    """Snakemake's own handler, as it makes it where no logger plugin writes to the terminal."""
    handler = ColorizingTextHandler(settings.nocolor, stream or (sys.stdout if settings.stdout else sys.stderr))
    handler.setFormatter(DefaultFormatter(settings.quiet, settings.show_failed_logs))
    shown = (settings.quiet, settings.debug_dag, settings.verbose, settings.dryrun, settings.printshellcmds)
    handler.addFilter(DefaultFilter(*shown))
    return handler
