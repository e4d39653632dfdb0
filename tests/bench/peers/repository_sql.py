"""The models of shared/datasets as DuckDB runs them: the same files, with what DataFusion writes in another way replaced."""

import re
import tomllib
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

DATASETS = Path(__file__).resolve().parents[3] / "shared" / "datasets"
TYPES = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "bool": "BOOLEAN"}

# Where the two dialects differ, in the models there are; calls with arguments follow below.
DIFFERENCES = [
    (r"LEFT ANTI JOIN", "ANTI JOIN"),
    (r"last_value\((\w+)\) IGNORE NULLS OVER", r"last_value(\1 IGNORE NULLS) OVER"),
    (r"first_value\((\w+) ORDER BY", r"first(\1 ORDER BY"),
    (r"regexp_like\(", "regexp_matches("),
    (r"regexp_match\(([^()]*)\)\[1\]", r"regexp_extract(\1, 1)"),
    (r"LIKE compared\.pattern", r"LIKE compared.pattern ESCAPE '\\'"),
]
# What is cast to a whole number without being a date.
NUMBERS = ("since", "date_part(")


@dataclass
class Statement:
    """One SQL file: a view or a model."""

    name: str
    sql: str
    inputs: list[str]
    is_model: bool
    materialize: bool = False
    partition: str | None = None
    hidden: list[str] = field(default_factory=list)
    split: list[str] = field(default_factory=list)
    look_back_days: int = 0
    csv: str | None = None


def dataset(name: str) -> dict:
    """A dataset's declaration."""
    return tomllib.loads((DATASETS / name / "dataset.toml").read_text())


def statements(name: str) -> dict[str, Statement]:
    """A dataset's SQL files by name, translated."""
    return {path.stem: _read(path) for path in sorted((DATASETS / name).glob("*.sql"))}


def in_order(known: dict[str, Statement], model: str) -> list[Statement]:
    """The views that a model needs, each after those it needs itself."""
    ordered: dict[str, Statement] = {}

    def visit(name: str) -> None:
        if name in known and name not in ordered and not known[name].is_model:
            for needed in known[name].inputs:
                visit(needed)
            ordered[name] = known[name]

    for needed in known[model].inputs:
        visit(needed)
    return list(ordered.values())


def models_before(known: dict[str, Statement], model: str) -> list[Statement]:
    """The models that a model reads, each after those it reads itself."""
    ordered: dict[str, Statement] = {}

    def visit(name: str) -> None:
        for needed in known[name].inputs if name in known else []:
            visit(needed)
            if needed in known and known[needed].is_model:
                ordered[needed] = known[needed]

    visit(model)
    return list(ordered.values())


def declared(name: str) -> list[str]:
    """Statements that make the tables `settings` and the lists."""
    spec = dataset(name)
    made = []
    if settings := spec.get("settings"):
        columns = ", ".join(f"{_literal(value)} AS {key}" for key, value in settings.items())
        made.append(f"CREATE OR REPLACE TABLE settings AS SELECT {columns}")
    for list_name, declaration in spec.get("list", {}).items():
        columns = declaration["columns"]
        shape = ", ".join(f'"{column}" {TYPES[kind]}' for column, kind in columns.items())
        made.append(f'CREATE OR REPLACE TABLE "{list_name}" ({shape})')
        for row in declaration.get("rows", []):
            values = [row.get(column) for column in columns] if isinstance(row, dict) else row
            made.append(f'INSERT INTO "{list_name}" VALUES ({", ".join(map(_literal, values))})')
    return made


def _read(path: Path) -> Statement:
    lines = path.read_text().splitlines()
    comment = [line[2:].strip() for line in takewhile(lambda line: line.startswith("--"), lines)]
    body = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    start = next((at for at, line in enumerate(comment) if line in ("[model]", "[view]")))
    front = tomllib.loads("\n".join(comment[start:]))
    is_model = "model" in front
    options = front["model" if is_model else "view"]
    return Statement(
        name=path.stem,
        sql=_translated(body),
        inputs=options.get("inputs", []),
        is_model=is_model,
        materialize=options.get("materialize", False),
        partition=options.get("partition"),
        hidden=options.get("hidden", []),
        split=options.get("split", []),
        look_back_days=options.get("look_back_days", 0),
        csv=options.get("csv", {}).get("name"),
    )


def _translated(sql: str) -> str:
    for pattern, replacement in DIFFERENCES:
        sql = re.sub(pattern, replacement, sql)
    return _calls(_calls(sql, "arrow_cast", _arrow_cast), "CAST", _cast)


def _arrow_cast(argument: str) -> str:
    value, kind = argument.split(", '", 1)
    return f"to_seconds({value})" if kind.startswith("Duration") else f"TIMESTAMPTZ {value}"


def _cast(argument: str) -> str:
    """DataFusion casts between dates and the number of their day."""
    value, kind = argument.rsplit(" AS ", 1)
    value = _calls(value, "CAST", _cast)
    if kind == "INT" and not value.startswith(NUMBERS):
        return f"(({value}) - DATE '1970-01-01')"
    if kind == "DATE" and value.endswith(" + 1"):
        return f"(DATE '1970-01-01' + {value.removesuffix(' + 1')}::INT + 1)"
    return f"CAST({value} AS {kind})"


def _calls(sql: str, name: str, replace) -> str:
    """Replaces each `name(argument)`, outermost first; what is between the parentheses may have further ones."""
    done, at = [], 0
    while match := re.compile(rf"\b{name}\(").search(sql, at):
        depth, end = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        done += [sql[at : match.start()], replace(" ".join(sql[match.end() : end - 1].split()))]
        at = end
    return "".join([*done, sql[at:]])


def _literal(value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"CAST({value} AS DOUBLE)"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
