"""examples/notebook: runs it over a lake with corrected weeks, and compares its answers with those of `tributary query`."""

import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import nbformat
from nbclient import NotebookClient

from lake import BINARIES, ENVIRONMENT, PROJECT, blocks, query, simulator, tributary

FOLDER = PROJECT / "examples/notebook"
NOTEBOOK = FOLDER / "codetrack.ipynb"
# The notebook's tables that are compared, without their indexes' names
TABLES = [
    "corrected",
    "weeks",
    "learners",
    "excels",
    "struggles",
    "disengaging",
    "changed",
    "cohorts",
    "cohort_weeks",
    "regular",
]
# Seconds that a cell, and a kernel's start, may take on a busy machine
LIMIT = 600
DUMP = """
import json, pathlib
pathlib.Path({path!r}).write_text(json.dumps({{
    name: json.loads(globals()[name].reset_index().to_json(orient="records", date_format="iso", double_precision=15))
    for name in {tables!r}
}}))
"""
# Who is judged by the newest week: somebody with weeks who has not gone silent
JUDGED = "standing = 'active' AND status IS NOT NULL AND (trend IS NULL OR trend <> 'inactive')"


def picked(rows, *columns):
    """These columns of rows, days without their time."""

    def short(value):
        return value[:10] if isinstance(value, str) and value[10:11] == "T" else value

    return [tuple(short(row[column]) for column in columns) for row in rows]


class Notebook(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.lake = str(cls.folder / "lake")
        # A week later the newest weeks are asked for once more: numbers that had not come, or were not final, have changed.
        with simulator("--now", "2026-11-13T05:00:00Z", "--rosters", f"{cls.lake}/raw") as apis:
            tributary(cls.lake, "run", "codetrack", "--from", "2026-08-01", "--to", "2026-11-13", **apis)
        with simulator("--now", "2026-11-20T05:00:00Z") as apis:
            tributary(cls.lake, "run", "codetrack", "--from", "2026-10-26", "--to", "2026-11-20", **apis)
        cls.environment = {
            **ENVIRONMENT,
            "LAKE_URL": cls.lake,
            "TRIBUTARY": str(BINARIES / "tributary"),
            "IPYTHONDIR": str(cls.folder / "ipython"),
            "JUPYTER_CONFIG_DIR": str(cls.folder / "jupyter"),
            "JUPYTER_PLATFORM_DIRS": "1",
        }
        config = cls.folder / "jupyter/jupyter_nbconvert_config.py"
        config.parent.mkdir()
        config.write_text(f"c.ExecutePreprocessor.startup_timeout = {LIMIT}\n")
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        answers = cls.folder / "answers.json"
        notebook.cells.append(nbformat.v4.new_code_cell(DUMP.format(path=str(answers), tables=TABLES)))
        place = {"metadata": {"path": str(FOLDER)}}
        client = NotebookClient(notebook, timeout=LIMIT, startup_timeout=LIMIT, kernel_name="python3", resources=place)
        client.execute(env=cls.environment)
        cls.answers = json.loads(answers.read_text())
        cls.shown = notebook.cells[:-1]

    def rows(self, table, *columns):
        return picked(self.answers[table], *columns)

    def query(self, sql, *columns):
        return picked(query(self.lake, sql), *columns)

    def assertSame(self, ours, theirs):
        self.assertTrue(theirs, "the lake has nothing to compare")
        self.assertEqual(ours, theirs)

    def test_it_is_kept_without_outputs(self):
        notebook = json.loads(NOTEBOOK.read_text())
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                self.assertEqual((cell["outputs"], cell["execution_count"]), ([], None), cell["id"])
        nbformat.validate(notebook)

    def test_every_cell_shows_something(self):
        for cell in self.shown:
            if cell.cell_type == "code":
                self.assertTrue(cell.outputs, cell.source)

    def test_weeks_that_were_corrected_are_those_that_came_twice(self):
        columns = ("week", "deliveries", "learners")
        ours = self.rows("corrected", *columns)
        self.assertTrue(ours, "nothing was corrected: reading all deliveries would not show")
        for _, deliveries, learners in ours:
            self.assertGreater(deliveries, learners)

    def test_who_excels(self):
        columns = ("id", "email", "points", "commits", "trend")
        theirs = self.query(
            f"SELECT * FROM codetrack.learners WHERE {JUDGED} AND status <> 'struggling'"
            " AND (trend IS NULL OR trend <> 'falling') AND (status = 'high' OR trend = 'rising') ORDER BY points DESC, id",
            *columns,
        )
        self.assertSame(self.rows("excels", *columns), theirs)

    def test_who_struggles(self):
        columns = ("id", "email", "points", "commits", "trend")
        theirs = self.query(
            f"SELECT * FROM codetrack.learners WHERE {JUDGED} AND (status = 'struggling' OR trend = 'falling')"
            " ORDER BY points, id",
            *columns,
        )
        self.assertSame(self.rows("struggles", *columns), theirs)

    def test_who_is_disengaging(self):
        columns = ("id", "email", "trend")
        theirs = self.query(
            "SELECT * FROM codetrack.learners WHERE standing <> 'left' AND trend IN ('falling', 'inactive')", *columns
        )
        self.assertSame(sorted(self.rows("disengaging", *columns)), sorted(theirs))
        self.assertEqual({trend for *_, trend in theirs}, {"falling", "inactive"})

    def test_who_has_changed_by_the_weeks_themselves(self):
        theirs = self.query(
            f"""
            WITH week AS (
                SELECT id, date, CASE WHEN has_points THEN points END AS points,
                    CASE WHEN has_commits THEN commits END AS commits
                FROM codetrack.weekly_score
            ),

            judged AS (
                SELECT learner.id, learner.email, week.date, learner.newest_week, points, CASE
                    WHEN points IS NULL OR commits IS NULL THEN NULL
                    WHEN points < 30 OR commits < 1 THEN 'struggling'
                    WHEN points >= 60 AND commits >= 3 THEN 'high'
                    ELSE 'on_track'
                END AS status
                FROM (SELECT id, email, newest_week FROM codetrack.learners WHERE {JUDGED}) AS learner
                INNER JOIN week ON week.id = learner.id
            )

            SELECT now.id, now.email, before.status AS status_before, now.status, now.points - before.points AS gain
            FROM judged AS now
            INNER JOIN judged AS before
                ON before.id = now.id AND before.email = now.email AND before.date = now.date - INTERVAL '7 days'
            WHERE now.date = now.newest_week AND now.status <> before.status
            ORDER BY gain, now.id""",
            "id",
            "email",
            "status_before",
            "status",
            "gain",
        )
        self.assertSame(self.rows("changed", "id", "email", "status_before", "status", "gain"), theirs)

    def test_cohorts_by_list_have_every_learner(self):
        lists = ["celebrate", "talk_to", "silent", "check_data", "steady"]
        counts = ", ".join(f"count(*) FILTER (WHERE list = '{name}') AS {name}" for name in lists)
        theirs = self.query(
            f"SELECT cohort, {counts}, count(*) AS learners FROM codetrack.learners_overview GROUP BY cohort ORDER BY cohort",
            "cohort",
            *lists,
            "learners",
        )
        self.assertSame(self.rows("cohorts", "cohort", *lists, "learners"), theirs)
        members = self.query(
            "SELECT cohort, count(*) AS learners FROM codetrack.learner GROUP BY cohort ORDER BY cohort", "cohort", "learners"
        )
        self.assertEqual(self.rows("cohorts", "cohort", "learners"), members)

    def test_cohorts_by_week_are_means_of_the_rows_that_count(self):
        theirs = self.query(
            """
            SELECT score.date AS week, learner.cohort, avg(score.points) AS points
            FROM codetrack.weekly_score AS score
            INNER JOIN codetrack.learner AS learner ON learner.id = score.id
            WHERE score.has_points
            GROUP BY score.date, learner.cohort""",
            "week",
            "cohort",
            "points",
        )
        theirs = {(week, cohort): points for week, cohort, points in theirs}
        weeks = picked(self.answers["cohort_weeks"], "week")
        self.assertEqual(len(weeks), 8)
        for row in self.answers["cohort_weeks"]:
            for cohort in row.keys() - {"week", "index"}:
                self.assertAlmostEqual(row[cohort], theirs[row["week"][:10], cohort], 9)

    def test_small_lines_have_a_gap_for_each_week_without_data(self):
        theirs = self.query(
            """
            SELECT id, email, count(*) AS weeks, count(*) - count(points) AS gaps
            FROM codetrack.learner_week GROUP BY id, email ORDER BY id, email""",
            "id",
            "email",
            "weeks",
            "gaps",
        )
        ours = [
            (row["id"], row["email"], len(row["eight weeks"]), row["eight weeks"].count("·"))
            for row in self.answers["learners"]
            if row["eight weeks"]
        ]
        self.assertSame(sorted(ours), theirs)
        self.assertTrue(any(gaps for *_, gaps in theirs))

    def test_who_works_regularly_counts_each_week_once(self):
        columns = ("id", "weeks", "weeks_with_commits", "points")
        theirs = self.query(
            """
            SELECT
                score.id,
                count(*) AS weeks,
                count(*) FILTER (WHERE score.commits > 0) AS weeks_with_commits,
                sum(score.points) AS points
            FROM codetrack.weekly_score AS score
            INNER JOIN codetrack.learner AS learner ON learner.id = score.id
            WHERE score.commits IS NOT NULL AND score.date <= (SELECT max(week) FROM codetrack.learner_week)
            GROUP BY learner.cohort, learner.name, score.id""",
            *columns,
        )
        self.assertSame(sorted(self.rows("regular", *columns)), sorted(theirs))
        shares = [with_commits / weeks for _, weeks, with_commits, _ in self.rows("regular", *columns)]
        self.assertEqual(shares, sorted(shares, reverse=True))

    def test_s3_is_read_as_the_views_ask_for(self):
        views = tributary(self.lake, "schema", "--dialect", "duckdb", "codetrack", "--location", "s3://lake")
        statements = next(line.removeprefix("-- Before: ") for line in views.splitlines() if line.startswith("-- Before: "))
        self.assertIn(f'lake.execute("{statements}")', "".join(cell.source for cell in self.shown))
        self.assertIn("'s3://", views)
        self.assertNotIn("'s3://", tributary(self.lake, "schema", "--dialect", "duckdb", "codetrack"))

    def test_its_page_can_be_followed(self):
        # The project's folder after `make demo`, with the lake of this test
        project = self.folder / "project"
        shutil.copytree(FOLDER, project / "examples/notebook")
        (project / "target/debug").mkdir(parents=True)
        (project / "target/debug/tributary").symlink_to(BINARIES / "tributary")
        (project / "lake").symlink_to(self.lake)
        environment = {name: value for name, value in self.environment.items() if name not in ("LAKE_URL", "TRIBUTARY")}
        environment["PATH"] = "/usr/bin:/bin"

        def jupyter(command):
            program, *arguments = shlex.split(command)
            self.assertEqual(program, ".venv/bin/jupyter")
            command = [pathlib.Path(sys.prefix, "bin/jupyter"), *arguments]
            ran = subprocess.run(
                command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            self.assertEqual(ran.returncode, 0, ran.stdout)

        page = (FOLDER / "README.md").read_text()
        commands = "".join(blocks(FOLDER / "README.md", "sh")).splitlines()
        jupyter(commands[-1])
        html = (project / "target/codetrack.html").read_text()
        for row in self.answers["excels"] + self.answers["struggles"]:
            self.assertIn(row["name"], html)

        notebook = project / "examples/notebook/codetrack.ipynb"
        jupyter(f"{commands[-1].partition('--to')[0]} --to notebook --inplace {notebook}")
        self.assertIn(self.answers["excels"][0]["name"], notebook.read_text())
        jupyter(re.search(r"`([^`]*--clear-output[^`]*)`", page)[1])
        for cell, kept in zip(nbformat.read(notebook, 4).cells, nbformat.read(NOTEBOOK, 4).cells, strict=True):
            self.assertEqual((cell.source, cell.get("outputs")), (kept.source, kept.get("outputs")))


if __name__ == "__main__":
    unittest.main()
