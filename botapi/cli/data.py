"""Check a bot's files against each other (`data validate`): file names in, one finding a line on stdout out.

Each finding names file and line; the exit code is 1 if there are errors.
"""

from __future__ import annotations

import argparse
import os

from botapi.cli import options
from botapi.data.check import ERROR, check
from botapi.data.project import read_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["validate"], help="what to do with the data")
    parser.add_argument("only", nargs="?", choices=["stories"], help="accepted; everything is checked in any case")
    options.project_flags(parser)
    parser.add_argument("--fail-on-warnings", action="store_true", help="exit code 1 for warnings, too")
    parser.add_argument("--max-history", type=options.positive, help=argparse.SUPPRESS)
    options.logging_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    project = read_folder(config=arguments.config, domain=arguments.domain, data=arguments.data, environment=os.environ)
    findings = check(project)
    for finding in findings:
        print(finding)
    errors = sum(finding.level == ERROR for finding in findings)
    print(f"{errors} errors, {len(findings) - errors} warnings.")
    return 1 if errors or (findings and arguments.fail_on_warnings) else 0
