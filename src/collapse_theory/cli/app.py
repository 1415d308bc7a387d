"""The command's frame: its subcommands, its exit codes, one line for each fault of the user's."""

from __future__ import annotations

import _thread
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError

import collapse_theory
from collapse_theory.cli.bench import bench
from collapse_theory.cli.calibrate import calibrate
from collapse_theory.cli.completion import completion
from collapse_theory.cli.diagnose import diagnose
from collapse_theory.cli.docs import docs
from collapse_theory.cli.draw import draw
from collapse_theory.cli.explorer import explorer
from collapse_theory.cli.forecast import forecast
from collapse_theory.cli.info import info
from collapse_theory.cli.members import list_members, show
from collapse_theory.cli.plan import plan
from collapse_theory.cli.predict import predict
from collapse_theory.cli.report import report
from collapse_theory.cli.rerun import rerun
from collapse_theory.cli.run import run_preset
from collapse_theory.cli.simulate import simulate
from collapse_theory.cli.sweep import sweep
from collapse_theory.cli.verify import verify
from collapse_theory.errors import InputError
from collapse_theory.errors import show as shown

USAGE, INTERNAL, INTERRUPTED, PIPE_CLOSED = 2, 3, 130, 141

LONGEST = 10_000  # characters of a message: it may name every theorem there is
SMALLER = "take fewer generations, rows (n), symbols or dimensions"

HELP = """The theory of model collapse, runnable: simulate, predict, verify.

Exit codes: 0 all good; 1 a verdict differs from the one expected; 2 wrong usage or input, with one
line that says what is allowed; 3 internal error; 130 interrupted.
"""


def make_app() -> App:
    """The command with all its subcommands."""
    app = App(
        name="collapse",
        help=HELP,
        version=collapse_theory.__version__,
        suppress_keyboard_interrupt=False,
    )
    for command, name in (
        (verify, "verify"), (simulate, "simulate"), (sweep, "sweep"), (rerun, "rerun"),
        (run_preset, "run"),
        (predict, "predict"),
        (diagnose, "diagnose"), (plan, "plan"), (forecast, "forecast"),
        (bench, "bench"), (calibrate, "calibrate"), (list_members, "list"), (show, "show"),
        (draw, "draw"),
        (docs, "docs"), (report, "report"), (explorer, "explorer"), (info, "info"),
        (completion, "completion"),
    ):  # fmt: skip
        app.command(command, name=name)
    return app


def run(words: Sequence[str]) -> int:
    """Run the command with these words; returns its exit code."""
    try:
        with warnings.catch_warnings():
            # numbers that overflow are shown as not finite, and are not trusted
            warnings.simplefilter("ignore", RuntimeWarning)
            code = _called(words)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (CycloptsError, InputError) as e:
        return _complain(e, USAGE)
    except MemoryError as e:
        return _complain(f"{e or 'no memory is left'}: {SMALLER}", USAGE)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:  # whoever read the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as e:  # a folder that cannot be written, a name too long, a full disk
        return _complain(f"{e.filename or 'a file'}: {e.strerror or e}", USAGE)
    except Exception as e:
        if "RESOURCE_EXHAUSTED" in str(e):  # what JAX says where memory is short
            return _complain(f"{shown(str(e))}: {SMALLER}", USAGE)
        import traceback

        traceback.print_exc()
        return INTERNAL  # not 1, which says that a theorem fell


def _called(words: Sequence[str]) -> Any:
    for word in words:
        if "\0" in word:
            raise InputError(f"{shown(word)}: a word must not hold the character NUL")
    return make_app()(words, exit_on_error=False, print_error=False, result_action="return_value")


def main() -> None:
    """The entry point: run with the words of the command line and leave with the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a poor terminal is no reason to fail
    sys.unraisablehook = _interrupt_again
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler's way to say Ctrl-C
    code = run(sys.argv[1:])
    if code == INTERRUPTED:  # worker threads may still be inside a device program: do not wait
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _interrupt_again(dropped: Any) -> None:
    """Send Ctrl-C again where Python dropped it: JAX has a callback at garbage collections."""
    if not issubclass(dropped.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
        return
    again = threading.Timer(0.1, _thread.interrupt_main)
    again.daemon = True
    again.start()


def _complain(message: object, code: int) -> int:
    text = "".join(c if c.isprintable() else " " for c in str(message))
    line = " ".join(text.split())
    line = line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
    print(f"collapse: {line}", file=sys.stderr)
    return code
