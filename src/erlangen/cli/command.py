"""Reading the command line, and turning errors into messages and exit codes.

Exit codes: 0 done; 1 more error than allowed, or a broken law; 2 bad usage or an error that teaches; 130 stopped.
Nothing heavy is imported before a verb is known and its words are right.
"""

import inspect
import json
import keyword
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from erlangen.errors import ErlangenError, RunError, UnknownName

DESCRIPTION = (
    "Say what your data lives on and which symmetries it has; erlangen derives the network, trains it, "
    "and proves how well the symmetry holds."
)
LISTS = (list[str] | None, list[int] | None, float | list[float] | None)
# options that take several words; the last kind only numbers, so that other words may follow it
OWN_WORDS = ("help", "config", "print_config")  # options that the parser itself adds to every verb


def verbs() -> dict[str, Any]:
    """Every verb and its function; a mapping is a verb with verbs of its own."""
    from erlangen.cli.audit import audit
    from erlangen.cli.cite import cite
    from erlangen.cli.compare import compare
    from erlangen.cli.data import get, info, list_
    from erlangen.cli.demo import demo
    from erlangen.cli.derive import derive
    from erlangen.cli.discover import discover
    from erlangen.cli.doctor import doctor
    from erlangen.cli.explore import explore
    from erlangen.cli.export import export
    from erlangen.cli.predict import predict
    from erlangen.cli.solve import solve
    from erlangen.cli.symmetrize import symmetrize
    from erlangen.cli.train import train

    return {
        "train": train,
        "audit": audit,
        "compare": compare,
        "discover": discover,
        "derive": derive,
        "solve": solve,
        "symmetrize": symmetrize,
        "data": {"_help": "The catalogue of data sets: list, info, get.", "list": list_, "info": info, "get": get},
        "predict": predict,
        "export": export,
        "explore": explore,
        "demo": demo,
        "cite": cite,
        "doctor": doctor,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after `erlangen`; None takes those of this process.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(words)
    except ErlangenError as error:
        if os.environ.get("ERLANGEN_DEBUG") == "1":
            raise
        print(f"erlangen: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("erlangen: stopped", file=sys.stderr)
        return 130
    except SystemExit as end:  # argparse ends this way, after its own message
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BrokenPipeError:  # `erlangen … | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(words: list[str]) -> int:
    from jsonargparse import auto_cli

    known = verbs()
    if words in (["--version"], ["-V"]):
        from erlangen import __version__

        print(f"erlangen {__version__}")
        return 0
    result = auto_cli(
        known,
        args=_normal(words or ["--help"], known),
        prog="erlangen",
        description=DESCRIPTION,
        fail_untyped=True,
    )
    return result if isinstance(result, int) else 0


def _normal(words: list[str], known: dict[str, Any]) -> list[str]:
    """Check the verb and the names of its options, and write them as the parser wants them.

    `--max-error` and `--max_error` are the same option; a switch such as `--fresh` needs no value; a list of words is
    written as words; the first option needs no name, `erlangen cite Conv`.

    Raises:
        UnknownName: an unknown verb or option, with the nearest known.
    """
    verb, function, rest = [], known, list(words)
    while isinstance(function, dict) and rest and not rest[0].startswith("-"):
        names = [name for name in function if name != "_help"]
        if rest[0] not in names:
            raise UnknownName("verb", rest[0], names)
        function = function[rest[0]]
        verb.append(rest.pop(0))
    if isinstance(function, dict):
        return words
    return verb + _options(" ".join(verb), function, rest)


def _options(verb: str, function: Callable[..., Any], words: list[str]) -> list[str]:
    parameters = inspect.signature(function).parameters
    done, rest = [], list(words)
    first_of_all = next(iter(parameters.values()), None)
    if (
        rest
        and not rest[0].startswith("-")
        and first_of_all is not None
        and first_of_all.default is not inspect.Parameter.empty
    ):
        done.append(f"--{first_of_all.name}={rest.pop(0)}")
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            done.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        first, dot, inner = name.partition(".")
        given = value if equals else next(iter(rest), "")
        if first == "seed" and given.startswith("-"):
            raise RunError(f"--seed is a whole number from 0 on, got {given}")
        first = first.replace("-", "_")
        if keyword.iskeyword(first):  # a parameter of Python cannot be called `in`; that of --in is `in_`
            first += "_"
        if first not in parameters and first not in OWN_WORDS:
            known = [f"--{p.rstrip('_')}" for p in (*parameters, *OWN_WORDS)]
            raise UnknownName(f"option of {verb}", f"--{name.partition('.')[0]}", known)
        kind = parameters[first].annotation if first in parameters else None
        if kind is bool and not equals and rest[:1] not in (["true"], ["false"]):
            equals, value = "=", "true"
        if kind in LISTS and not equals and rest and not rest[0].startswith("["):
            several = [rest.pop(0)]
            while rest and (_is_number(rest[0]) if kind == LISTS[2] else not rest[0].startswith("--")):
                several.append(rest.pop(0))
            equals, value = "=", json.dumps(several) if kind == LISTS[0] else f"[{','.join(several)}]"
        done.append(f"--{first}{dot}{inner}{equals}{value}")
    return done


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
