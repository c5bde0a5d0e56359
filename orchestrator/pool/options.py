"""The options of `ouroboros pool`. No heavy library is imported here: --help is at once."""

import argparse
from typing import Any

STORE: tuple[str, dict[str, Any]] = (
    "--store",
    {"default": "runs", "metavar": "PATH", "help": "folder or URI of the store (default runs)"},
)
SAMPLE: tuple[str, dict[str, Any]] = (
    "sample_id",
    {"metavar": "SAMPLE_ID", "help": "id of a row of the pool"},
)

EXPORT_EPILOG = """\
Give one of --selection, --run and --source:
  ouroboros pool export --run digits --arm greedy --iteration 3 --to train.parquet
  ouroboros pool export --source ddpm --iteration 2 --to samples
"""

# subcommand of `pool`, its usage, what it does, arguments of its own
POOL: tuple[tuple[str, str, str, tuple[tuple[str, dict[str, Any]], ...]], ...] = (
    ("ls", "", "list the pool's rows, the named runs, and totals", ()),
    (
        "show",
        "ID [--image FILE.png]",
        "show a sample, a step or a named run",
        (
            ("id", {"metavar": "ID", "help": "sample id, beginning of a step's key, or run"}),
            ("--image", {"metavar": "FILE", "help": "new .png file with the sample, enlarged"}),
        ),
    ),
    (
        "why",
        "SAMPLE_ID [--selection KEY]",
        "say why a sample is in the selections of a store or not",
        (SAMPLE, ("--selection", {"metavar": "KEY", "help": "only in this select step"})),
    ),
    (
        "lineage",
        "SAMPLE_ID [--json]",
        "show the models and training sets behind a sample, back to real rows",
        (SAMPLE, ("--json", {"action": "store_true", "help": "as JSON"})),
    ),
    (
        "export",
        "(--selection KEY | --run NAME --arm ARM --iteration N | --source S) --to OUT",
        "write a training set, or the rows of a source, as Parquet or as a folder of images",
        (
            ("--run", {"metavar": "NAME", "help": "run whose training set it is"}),
            ("--selection", {"metavar": "KEY", "help": "key of a select step"}),
            ("--source", {"metavar": "S", "help": "real, fresh or a generator's name"}),
            ("--arm", {"metavar": "ARM", "help": "arm of the run"}),
            (
                "--iteration",
                {"type": int, "metavar": "N", "help": "iteration of the run or source"},
            ),
            ("--generator", {"metavar": "G", "help": "one with a training set of its own"}),
            ("--to", {"required": True, "metavar": "OUT", "help": "new .parquet file, or folder"}),
        ),
    ),
    (
        "verify",
        "[--remove]",
        "read every file and say what is damaged; the exit status is 1 if anything is",
        (
            (
                "--remove",
                {
                    "action": "store_true",
                    "help": "forget damaged steps, so that the next run does them again",
                },
            ),
        ),
    ),
    (
        "gc",
        "[--drop RUN ...] [--yes]",
        "show what no named run needs, and remove it with --yes",
        (
            (
                "--drop",
                {
                    "nargs": "+",
                    "action": "extend",
                    "default": [],
                    "metavar": "RUN",
                    "help": "forget these runs or sweeps first",
                },
            ),
            ("--yes", {"action": "store_true", "help": "remove it"}),
        ),
    ),
    (
        "sql",
        "QUERY [--csv]",
        "query the tables pool, selections and steps with DuckDB",
        (
            ("query", {"metavar": "QUERY", "help": "in SQL"}),
            ("--csv", {"action": "store_true", "help": "all rows, as CSV"}),
        ),
    ),
)


def declare_pool(commands: Any) -> None:
    """Add `pool` and its subcommands to the commands of a parser."""
    summary = "ask the pool: what it holds, where rows come from, whether it is whole"
    pool = commands.add_parser("pool", help=summary, description=summary, allow_abbrev=False)
    subcommands = pool.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for name, usage, does, arguments in POOL:
        command = subcommands.add_parser(
            name,
            help=does,
            description=does,
            usage=f"ouroboros pool {name} {usage} [--store PATH]".replace("  ", " "),
            epilog=EXPORT_EPILOG if name == "export" else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        one_of = command.add_mutually_exclusive_group(required=True) if name == "export" else None
        for argument, details in arguments:
            is_way = one_of and argument in ("--run", "--selection", "--source")
            (one_of if one_of and is_way else command).add_argument(argument, **details)
        command.add_argument(STORE[0], **STORE[1])
