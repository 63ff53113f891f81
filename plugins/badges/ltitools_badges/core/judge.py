"""The process that judges a badge of strangers: a question as JSON on its standard input, the report on its output.

A document can be made that takes years to canonicalise (https://www.w3.org/TR/rdf-canon/#dataset-poisoning), so that
this runs in a process of its own, which limits itself and can be ended. See ltitools_badges.checking_process.
"""

import json
import sys

from ltitools_badges.core import checking, instants

CPU_SECONDS = 2
MEMORY = 768 * 1024 * 1024


def main() -> None:
    """Answer one question."""
    _limit()
    question = json.load(sys.stdin)
    report = checking.check(
        question["given"], question["fetched"], instants.read(question["now"]), recipient=question["recipient"]
    )
    json.dump(report.to_json(), sys.stdout)


def _limit() -> None:
    """No more time and memory than a badge can need. The system ends the process at the limit."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
