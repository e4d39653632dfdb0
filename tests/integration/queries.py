"""Makes queries at random, and asks DuckDB what they answer.

Called by tests/queries.rs: `queries.py FOLDER SEED COUNT`. FOLDER gets `one.csv`, `two.csv`, `three.csv`, the rows of the three
tables that the queries read. Standard output gets one JSON object per query: its SQL, whether the order of its rows is given,
and its rows as lists of texts. What one engine leaves open is not asked: the order of NULLs is always written, numbers are not
divided by integers, sums cannot overflow, and LIMIT stands behind a whole order only.
"""

import datetime
import json
import random
import sys

import duckdb

COLUMNS = {"id": "int", "k": "int", "h": "text", "g": "text", "d": "date", "x": "float", "b": "bool"}
TABLES = ["one", "two", "three"]
SQL_TYPES = {"int": "BIGINT", "text": "VARCHAR", "date": "DATE", "float": "DOUBLE", "bool": "BOOLEAN"}
TEXTS = ["a", "b", "c", "ab", "ba"]


def rows_of(random, count):
    day = datetime.date(2026, 9, 28)
    for number in range(count):
        yield [
            number,
            random.choice([None, 0, 1, 2, 3]),
            random.choice([None, *TEXTS]),
            random.choice(["a", "b"]),
            day + datetime.timedelta(days=random.randrange(40)),
            random.choice([None, *(quarter / 4 for quarter in range(-6, 12))]),
            random.choice([None, True, False]),
        ]


class Query:
    """One query at random. A scope is a list of columns that can be named, each with its type."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = 0
        self.share_of_parts = 0.4

    def name(self, letter):
        self.names += 1
        return f"{letter}{self.names}"

    def chance(self, share):
        return self.random.random() < share

    def pick(self, *choices):
        return self.random.choice(choices)

    # Values

    def literal(self, kind):
        if kind == "int":
            return str(self.random.randrange(-1, 5))
        if kind == "text":
            return f"'{self.random.choice(TEXTS)}'"
        if kind == "date":
            return f"DATE '2026-10-{self.random.randrange(1, 29):02}'"
        if kind == "float":
            return f"CAST({self.random.randrange(-4, 9) / 4} AS DOUBLE)"
        return self.pick("true", "false")

    def column(self, scope, kind):
        fitting = [name for name, of in scope if of == kind]
        return self.random.choice(fitting) if fitting else None

    def value(self, scope, kind, depth=2):
        """An expression of a type, of columns in scope."""
        column = self.column(scope, kind)
        if depth == 0 or self.chance(0.45):
            return column if column and self.chance(0.85) else self.literal(kind)

        def of(other):
            return self.value(scope, other, depth - 1)

        if kind == "bool":
            return f"({self.condition(scope, depth - 1)})"
        shared = [
            lambda: f"coalesce({of(kind)}, {of(kind)})",
            lambda: f"CASE WHEN {self.condition(scope, depth - 1)} THEN {of(kind)} ELSE {of(kind)} END",
            lambda: f"CASE WHEN {self.condition(scope, depth - 1)} THEN {of(kind)} END",
            lambda: f"nullif({of(kind)}, {of(kind)})",
            lambda: f"CASE {of('text')} WHEN {self.literal('text')} THEN {of(kind)} ELSE {of(kind)} END",
            lambda: f"{self.pick('greatest', 'least')}({of(kind)}, {of(kind)})",
        ]
        own = {
            "int": [
                lambda: f"({of('int')} {self.pick('+', '-', '*')} {self.literal('int')})",
                lambda: f"({of('int')} + {of('int')})",
                lambda: f"({of('int')} - {of('int')} * {self.literal('int')} % 3 + {of('int')})",
                lambda: f"-({of('int')})",
                lambda: f"({of('int')} % {self.pick('2', '3')})",
                lambda: f"CAST(length({of('text')}) AS BIGINT)",
                lambda: f"CAST(date_part('{self.pick('month', 'day', 'dow', 'year')}', {of('date')}) AS BIGINT)",
                lambda: f"abs({of('int')})",
                lambda: f"CAST({of('bool')} AS BIGINT)",
            ],
            "text": [
                lambda: f"({of('text')} || {of('text')})",
                lambda: f"({of('text')} || {of('text')} || {self.literal('text')})",
                lambda: f"trim(both 'a' from {of('text')})",
                lambda: f"upper({of('text')})",
                lambda: f"substr({of('text')}, 1, 1)",
                lambda: f"replace({of('text')}, 'a', 'b')",
                lambda: f"CAST({of('int')} AS VARCHAR)",
            ],
            "date": [
                lambda: f"CAST(date_trunc('{self.pick('month', 'week')}', {of('date')}) AS DATE)",
                lambda: f"CAST({of('date')} + INTERVAL '{self.pick('1', '7')} days' AS DATE)",
            ],
            "float": [
                lambda: f"({of('float')} {self.pick('+', '-', '*')} {of('float')})",
                lambda: f"CAST({of('int')} AS DOUBLE)",
                lambda: f"({of('float')} / CAST(4 AS DOUBLE))",
                lambda: f"floor({of('float')})",
            ],
        }
        return self.random.choice(shared + own[kind] * 2)()

    def condition(self, scope, depth=2):
        """What is true, false or NULL of a row."""
        kind = self.pick("int", "int", "text", "text", "date", "float", "bool")
        column = self.column(scope, kind) or self.literal(kind)
        shape = self.random.randrange(10)
        if depth > 0 and shape < 3:
            left, right = self.condition(scope, depth - 1), self.condition(scope, depth - 1)
            return self.pick(
                f"({left} AND {right})",
                f"({left} OR {right})",
                f"NOT ({left})",
                # What belongs together without parentheses is left to the engines.
                f"{left} AND {right}",
                f"{left} OR {right}",
                f"NOT {left}",
            )
        if shape == 3:
            return f"{column} IS {self.pick('', 'NOT ')}NULL"
        if shape == 4 and kind != "bool":
            few = [self.literal(kind) for _ in range(self.random.randrange(1, 4))]
            few = ", ".join(few + ["NULL"] if self.chance(0.1) else few)
            return f"{column} {self.pick('', 'NOT ')}IN ({few})"
        if shape == 5 and kind != "bool":
            return f"{column} {self.pick('', 'NOT ')}BETWEEN {self.literal(kind)} AND {self.literal(kind)}"
        if shape == 6 and kind == "text":
            return f"{column} {self.pick('', 'NOT ')}LIKE '{self.pick('a%', '%b', '%', 'a_', '_')}'"
        if shape == 7:
            other = self.value(scope, kind, max(depth - 1, 0))
            return f"{column} IS {self.pick('', 'NOT ')}DISTINCT FROM {other}"
        if kind == "bool":
            return self.pick(f"{column}", f"NOT {column}", f"{column} IS TRUE", f"{column} IS NOT TRUE")
        left, right = column, self.value(scope, kind, max(depth - 1, 0))
        if self.chance(0.3):
            left, right = self.literal(kind), column
        return f"{left} {self.pick('=', '=', '<>', '<', '<=', '>', '>=')} {right}"

    def subquery_condition(self, scope, depth):
        """A condition that asks a query of its own, of the same row or of none."""
        inner = self.name("s")
        table = self.random.choice(TABLES)
        inner_scope = [(f"{inner}.{name}", kind) for name, kind in COLUMNS.items()]
        kind = self.pick("int", "text")
        of_row = self.column(scope, kind)
        where = self.condition(inner_scope, 1)
        if of_row and self.chance(0.6):
            where = f"{self.column(inner_scope, kind)} = {of_row} AND ({where})"
        source = f"FROM {table} AS {inner} WHERE {where}"
        shape = self.random.randrange(3)
        if shape == 0:
            return f"{self.pick('', 'NOT ')}EXISTS (SELECT 1 {source})"
        if shape == 1:
            asked = self.column(scope, kind) or self.literal(kind)
            return f"{asked} {self.pick('', '', 'NOT ')}IN (SELECT {self.column(inner_scope, kind)} {source})"
        measure = self.pick("count(*)", f"max({inner}.k)", f"min({inner}.k)", f"count({inner}.x)")
        return f"{self.column(scope, 'int') or '1'} {self.pick('<=', '>', '=')} (SELECT {measure} {source})"

    def subquery_value(self, scope):
        """A number that a query of its own gives, with its type."""
        inner = self.name("s")
        inner_scope = [(f"{inner}.{name}", kind) for name, kind in COLUMNS.items()]
        measure, of = self.measure(inner_scope)
        kind = self.pick("int", "text")
        of_row = self.column(scope, kind)
        where = f" WHERE {self.column(inner_scope, kind)} = {of_row}" if of_row and self.chance(0.7) else ""
        return f"(SELECT {measure} FROM {self.random.choice(TABLES)} AS {inner}{where})", of

    def measure(self, scope):
        """An aggregate, with its type."""
        number = self.pick("int", "float")
        kind = self.pick("int", "text", "date", "float")
        some = self.value(scope, kind, 1)
        distinct = self.pick("", "", "DISTINCT ")
        texts = self.column(scope, "text") or "'a'"
        call, of = self.random.choice(
            [
                ("count(*)", "int"),
                (f"count({distinct}{some})", "int"),
                (f"min({some})", kind),
                (f"max({some})", kind),
                (f"sum({distinct}{self.value(scope, number, 1)})", number),
                (f"avg({self.value(scope, 'float', 1)})", "float"),
                (f"bool_or({self.value(scope, 'bool', 1)})", "bool"),
                (f"string_agg({texts}, ',' ORDER BY {texts} {self.direction()})", "text"),
            ]
        )
        if self.chance(0.25):
            call = f"{call} FILTER (WHERE {self.condition(scope, 1)})"
        return f"CAST({call} AS {SQL_TYPES[of]})", of

    def window(self, scope):
        """A window function, with its type; its order is whole, if it has one."""
        parts = [name for name, kind in scope if kind in ("text", "int", "bool")]
        partition = f"PARTITION BY {', '.join(self.random.sample(parts, min(len(parts), self.pick(1, 2))))} " if parts else ""
        if self.chance(0.3):
            partition = ""
        whole = ", ".join(f"{name} {self.direction()}" for name, _ in self.random.sample(scope, len(scope)))
        first = [f"{name} {self.direction()}" for name, _ in self.random.sample(scope, 1)]
        kind = self.pick("int", "float")
        some = self.value(scope, kind, 1)
        frame = self.pick("", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", " ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING")
        return self.random.choice(
            [
                (f"CAST(row_number() OVER ({partition}ORDER BY {whole}) AS BIGINT)", "int"),
                (f"CAST(rank() OVER ({partition}ORDER BY {first[0]}) AS BIGINT)", "int"),
                (f"CAST(dense_rank() OVER ({partition}ORDER BY {first[0]}) AS BIGINT)", "int"),
                (f"lag({some}) OVER ({partition}ORDER BY {whole})", kind),
                (f"lead({some}, 2) OVER ({partition}ORDER BY {whole})", kind),
                (f"CAST(ntile(3) OVER ({partition}ORDER BY {whole}) AS BIGINT)", "int"),
                (f"CAST(sum({some}) OVER ({partition}ORDER BY {first[0]}) AS {SQL_TYPES[kind]})", kind),
                (f"CAST(count({some}) OVER ({partition}ORDER BY {first[0]}) AS BIGINT)", "int"),
                (f"first_value({some}) OVER ({partition}ORDER BY {whole})", kind),
                (f"CAST(sum({some}) OVER ({partition}ORDER BY {whole}{frame}) AS {SQL_TYPES[kind]})", kind),
                (f"CAST(count(*) OVER ({partition}) AS BIGINT)", "int"),
                (f"max({some}) OVER ({partition})", kind),
            ]
        )

    def direction(self):
        return f"{self.pick('ASC', 'DESC')} NULLS {self.pick('FIRST', 'LAST')}"

    # Relations

    def relation(self, depth, ctes):
        """What stands behind FROM: its SQL, and its columns by the name that it is given."""
        alias = self.name("r")
        if ctes and self.chance(self.share_of_parts):
            name, columns = self.random.choice(ctes)
            return f"{name} AS {alias}", [(f"{alias}.{column}", kind) for column, kind in columns]
        if depth > 0 and self.chance(0.35):
            sql, columns = self.select(depth - 1, ctes)
            return f"({sql}) AS {alias}", [(f"{alias}.{column}", kind) for column, kind in columns]
        if self.chance(0.08):
            rows = [(self.random.randrange(4), self.random.choice(TEXTS)) for _ in range(self.random.randrange(1, 5))]
            values = ", ".join(f"(CAST({number} AS BIGINT), '{text}')" for number, text in rows)
            return f"(VALUES {values}) AS {alias} (k, h)", [(f"{alias}.k", "int"), (f"{alias}.h", "text")]
        table = self.random.choice(TABLES)
        return f"{table} AS {alias}", [(f"{alias}.{name}", kind) for name, kind in COLUMNS.items()]

    def joined(self, depth, ctes):
        sql, scope = self.relation(depth, ctes)
        for _ in range(self.pick(0, 0, 1, 1, 2)):
            other, columns = self.relation(depth - 1 if depth else 0, ctes)
            kinds = [kind for kind in ("int", "text", "date") if self.column(scope, kind) and self.column(columns, kind)]
            join = self.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
            if not kinds or join == "CROSS JOIN":
                # Of many rows only some, so that no product is large.
                some = f"(SELECT * FROM {other} ORDER BY {', '.join(name + ' ASC NULLS LAST' for name, _ in columns)} LIMIT 3)"
                alias = self.name("r")
                sql = f"{sql} CROSS JOIN {some} AS {alias}"
                columns = [(f"{alias}.{name.split('.')[1]}", kind) for name, kind in columns]
            else:
                kind = self.random.choice(kinds)
                on = f"{self.column(scope, kind)} = {self.column(columns, kind)}"
                if self.chance(0.3):
                    kind = self.random.choice(kinds)
                    on += f" AND {self.column(columns, kind)} = {self.column(scope, kind)}"
                if join != "FULL JOIN" and self.chance(0.3):
                    on += f" AND {self.condition(scope + columns, 1)}"
                if join != "FULL JOIN" and self.chance(0.05):
                    on = self.pick("false", "1 = 2", f"{on} AND false")
                sql = f"{sql} {join} {other} ON {on}"
            scope = scope + columns
        return sql, scope

    def where(self, scope, depth):
        conditions = [self.condition(scope) for _ in range(self.pick(0, 1, 1, 2))]
        if depth > 0 and self.chance(0.25):
            conditions.append(self.subquery_condition(scope, depth))
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def select(self, depth, ctes):
        """A SELECT without an order: its SQL, and its columns by name."""
        if depth > 0 and self.chance(0.12):
            return self.union(depth, ctes)
        source, scope = self.joined(depth, ctes)
        where = self.where(scope, depth)
        shape = self.random.randrange(10)
        if shape < 4:
            return self.grouped(source, scope, where)
        distinct = "DISTINCT " if shape == 4 else ""
        if shape == 7 and depth > 0:
            return self.first_of_each(source, scope, where)
        items, columns, qualify = [], [], ""
        for name, kind in self.random.sample(scope, min(len(scope), self.pick(1, 2, 3, 4))):
            column = self.name("c")
            sql = name if self.chance(0.6) else self.value(scope, kind)
            items.append(f"{sql} AS {column}")
            columns.append((column, kind))
        if shape == 6 and depth > 0:
            sql, kind = self.subquery_value(scope)
            column = self.name("c")
            items.append(f"{sql} AS {column}")
            columns.append((column, kind))
        if shape == 5:
            sql, kind = self.window(scope)
            column = self.name("c")
            items.append(f"{sql} AS {column}")
            columns.append((column, kind))
            if self.chance(0.3):
                whole = ", ".join(f"{name} {self.direction()}" for name, _ in scope)
                part = self.column(scope, "text")
                partition = f"PARTITION BY {part} " if part else ""
                qualify = f" QUALIFY row_number() OVER ({partition}ORDER BY {whole}) = 1"
        return f"SELECT {distinct}{', '.join(items)} FROM {source}{where}{qualify}", columns

    def first_of_each(self, source, scope, where):
        keys = self.random.sample(scope, self.pick(1, 1, 2) if len(scope) > 1 else 1)
        rest = [column for column in self.random.sample(scope, len(scope)) if column not in keys]
        order = ", ".join(f"{name} {self.direction()}" for name, _ in keys + rest)
        picked = self.random.sample(scope, min(len(scope), 3))
        columns = [(self.name("c"), kind) for _, kind in picked]
        items = ", ".join(f"{name} AS {column}" for (name, _), (column, _) in zip(picked, columns))
        named = ", ".join(name for name, _ in keys)
        sql = f"SELECT DISTINCT ON ({named}) {items} FROM {source}{where} ORDER BY {order}"
        alias = self.name("r")
        return f"SELECT * FROM ({sql}) AS {alias}", columns

    def grouped(self, source, scope, where):
        keys = []
        for _ in range(self.pick(0, 1, 1, 2, 2, 3)):
            kind = self.pick("int", "text", "text", "date", "bool")
            name = self.column(scope, kind)
            if name and name not in [key for key, _ in keys]:
                keys.append((name if self.chance(0.8) else self.value(scope, kind, 1), kind))
        items, columns = [], []
        for key, kind in keys:
            if self.chance(0.9):
                column = self.name("c")
                items.append(f"{key} AS {column}")
                columns.append((column, kind))
        for _ in range(self.pick(1, 1, 2, 3)) if items else [0]:
            sql, kind = self.measure(scope)
            column = self.name("c")
            items.append(f"{sql} AS {column}")
            columns.append((column, kind))
        if self.chance(0.25):
            # Beside the group of all rows, a condition on it has no column by which it could be moved.
            kind, column = self.pick("int", "text", "date"), self.name("c")
            items.append(f"{self.literal(kind) if kind != 'int' else f'CAST({self.literal(kind)} AS BIGINT)'} AS {column}")
            columns.append((column, kind))
        # A number alone would be a place in the list.
        texts = [key if not key.lstrip("-").isdigit() else f"({key} + 0)" for key, _ in keys]
        group = f" GROUP BY {', '.join(texts)}" if texts else ""
        named = {text for text in texts if text in [name for name, _ in scope]}
        if len(texts) == len(named) and len(named) > 1 and self.chance(0.25):
            kind = self.pick("ROLLUP", "CUBE", "GROUPING SETS")
            sets = [f"({name})" for name in texts] if kind == "GROUPING SETS" else texts
            group = f" GROUP BY {kind} ({', '.join(sets)})"
        having = ""
        if texts and self.chance(0.3):
            sql, kind = self.measure(scope)
            having = f" HAVING {sql} {self.pick('>', '<=', '<>')} {self.literal(kind)}"
        return f"SELECT {', '.join(items)} FROM {source}{where}{group}{having}", columns

    def union(self, depth, ctes):
        word = self.pick("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT")
        kinds = [self.pick("int", "text", "date", "float") for _ in range(self.pick(1, 2, 3))]
        sides, columns = [], [(self.name("c"), kind) for kind in kinds]
        for _ in range(2):
            source, scope = self.joined(depth - 1, ctes)
            items = ", ".join(f"{self.value(scope, kind, 1)} AS {column}" for column, kind in columns)
            distinct = self.pick("", "", "DISTINCT ")
            sides.append(f"SELECT {distinct}{items} FROM {source}{self.where(scope, 0)}")
        return f"{sides[0]} {word} {sides[1]}", columns

    def whole(self):
        """A query as people write it: its SQL, and whether the order of its rows is given."""
        ctes, texts = [], []
        # In some queries most of what is read are the same parts, which are made once.
        self.share_of_parts = self.pick(0.4, 0.8)
        for _ in range(self.pick(0, 0, 1, 2, 3)):
            name = self.name("w")
            sql, columns = self.select(1, ctes)
            texts.append(f"{name} AS ({sql})")
            ctes.append((name, columns))
        sql, columns = self.select(2, ctes)
        is_ordered = self.chance(0.5)
        if is_ordered:
            order = self.random.sample(columns, len(columns))
            keys = ", ".join(f"{name} {self.direction()}" for name, _ in order)
            limit = f" LIMIT {self.random.randrange(1, 9)}" if self.chance(0.4) else ""
            offset = f" OFFSET {self.random.randrange(4)}" if limit and self.chance(0.3) else ""
            if self.chance(0.5):
                sql = f"SELECT * FROM ({sql}) AS q"
            sql = f"{sql} ORDER BY {keys}{limit}{offset}"
        with_ = f"WITH {', '.join(texts)} " if texts else ""
        return with_ + sql, is_ordered


def text(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value + 0.0:.6f}".replace("-0.000000", "0.000000")
    return str(value)


def main(folder, seed, count):
    connection = duckdb.connect()
    source = random.Random(seed)
    for table, rows in zip(TABLES, (60, 40, 9)):
        path = f"{folder}/{table}.csv"
        with open(path, "w") as file:
            file.write(",".join(COLUMNS) + "\n")
            for row in rows_of(source, rows):
                file.write(",".join("" if value is None else str(value).lower() for value in row) + "\n")
        types = ", ".join(f"'{name}': '{SQL_TYPES[kind]}'" for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM read_csv('{path}', header = true, columns = {{{types}}})")
    made = 0
    while made < count:
        query_seed = source.getrandbits(48)
        sql, is_ordered = Query(query_seed).whole()
        try:
            rows = connection.execute(sql).fetchmany(20_001)
        except duckdb.Error as error:
            print(f"{error}\n{sql}", file=sys.stderr)
            continue
        # Of those that give nothing only some are of use.
        is_empty = all(value is None for row in rows for value in row)
        if len(rows) > 20_000 or (is_empty and source.random() > 0.2):
            continue
        made += 1
        rows = [[text(value) for value in row] for row in rows]
        print(json.dumps({"sql": sql, "is_ordered": is_ordered, "rows": rows}))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
