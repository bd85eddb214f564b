"""Snakemake logger `plan`: what a dry run would do, as one JSON object on standard output, for programs.

    {"jobs": [{"rule", "wildcards": {name: value}, "outputs": [path], "reason"}], "warnings": [text], "errors": [text]}

Paths are relative to the workspace; `reason` is in Snakemake's words.
"""

import json
import sys
from logging import ERROR, WARNING, LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent


class LogHandler(LogHandlerBase):
    """Takes a dry run's records, in one thread made for it, and writes at the end."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        self.plan: dict[str, list] | None = {"jobs": [], "warnings": [], "errors": []}

    def emit(self, record: LogRecord) -> None:
        if getattr(record, "event", None) == LogEvent.JOB_INFO:
            outputs, wildcards = list(record.output), dict(record.wildcards)
            job = {"rule": record.rule_name, "wildcards": wildcards, "outputs": outputs, "reason": record.reason}
            self.plan["jobs"].append(job)
        elif record.levelno >= WARNING:
            self.plan["errors" if record.levelno >= ERROR else "warnings"].append(record.getMessage())

    def close(self) -> None:
        plan, self.plan = self.plan, None
        if plan is not None:
            json.dump(plan, sys.stdout, ensure_ascii=False)
            sys.stdout.write("\n")
        super().close()
