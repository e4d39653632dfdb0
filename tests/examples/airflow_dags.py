"""examples/airflow: parses the DAGs, renders their tasks, and runs them as the page says, with Lambda and Batch here (aws.py):
the functions and jobs are the real binaries, on a lake in a folder."""

import contextlib
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
import unittest.mock

from aws import Aws
from lake import BINARIES, ENVIRONMENT, PROJECT, blocks, query, simulator, tributary

FOLDER = PROJECT / "examples/airflow"
PAGE = FOLDER / "README.md"
PREFIX = "schools"
HOME = tempfile.TemporaryDirectory()
# As the page says; read before Airflow is imported.
os.environ.clear()
os.environ.update(
    ENVIRONMENT,
    AIRFLOW_HOME=HOME.name,
    AIRFLOW__CORE__DAGS_FOLDER=str(FOLDER),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
    AIRFLOW_CONN_AWS_DEFAULT="aws://?region_name=eu-west-1",
    AIRFLOW_VAR_TRIBUTARY_PREFIX=PREFIX,
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_EC2_METADATA_DISABLED="true",
)
subprocess.run([pathlib.Path(sys.prefix, "bin/airflow"), "db", "migrate"], check=True, stdout=subprocess.DEVNULL)

from airflow.dag_processing.dagbag import DagBag  # noqa: E402
from airflow.sdk.exceptions import ParamValidationError  # noqa: E402

DAGS = DagBag(str(FOLDER))
NIGHT = ["ingest", "clean", "aggregate"]


def event(name):
    return json.loads((PROJECT / "events" / name).read_text())


@contextlib.contextmanager
def quiet():
    """What Airflow logs of tasks that fail, as they are to, goes to a file; it is shown with a failed assertion."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        before = [os.dup(number) for number in (1, 2)]
        try:
            for number in (1, 2):
                os.dup2(said.fileno(), number)
            yield
        except AssertionError:
            said.seek(0)
            os.write(before[1], said.read())
            raise
        finally:
            for number, was in zip((1, 2), before):
                os.dup2(was, number)
                os.close(was)


class Parsed(unittest.TestCase):
    def test_all_dags_are_there_and_nothing_else(self):
        self.assertEqual(DAGS.import_errors, {})
        nights = {f"tributary_{source}" for source in ("codetrack", "illuminate", "irceline")}
        self.assertEqual(set(DAGS.dag_ids), nights | {"tributary_uploads", "tributary_backfill"})
        page = PAGE.read_text()
        for dag in DAGS.dag_ids:
            self.assertIn(f"`{dag}`", page)

    def test_each_source_runs_at_its_own_night(self):
        sources = {}
        for declared in (PROJECT / "shared/datasets").glob("*/dataset.toml"):
            dataset = tomllib.loads(declared.read_text())
            if "source" in dataset:
                sources[declared.parent.name] = dataset["time_zone"]
        self.assertEqual(len(sources), 3)
        at = re.search(r'ingest\s*=\s*optional\(string, "(\d+):(\d+)"\)', terraform("variables.tf"))
        for source, zone in sources.items():
            dag = DAGS.get_dag(f"tributary_{source}")
            self.assertEqual((dag.timezone.name, dag.catchup, dag.max_active_runs), (zone, False, 1))
            self.assertEqual(dag.schedule, f"{int(at[2])} {int(at[1])} * * *")
        for dag in ("tributary_uploads", "tributary_backfill"):
            self.assertIsNone(DAGS.get_dag(dag).schedule)

    def test_steps_follow_each_other_and_wait_for_jobs(self):
        for name, steps in [("tributary_irceline", NIGHT), ("tributary_uploads", NIGHT[1:])]:
            dag = DAGS.get_dag(name)
            order = [f"{step}.{task}" for step in steps for task in ("call", "handed_over", "jobs")]
            self.assertEqual([task.task_id for task in dag.topological_sort()], order)
            for before, after in zip(order, order[1:]):
                self.assertIn(after, dag.get_task(before).downstream_task_ids)

    def test_what_fails_is_tried_again(self):
        for name in DAGS.dag_ids:
            for task in DAGS.get_dag(name).tasks:
                if task.task_id.endswith(".call"):
                    self.assertEqual((task.retries, task.retry_delay), (3, datetime.timedelta(minutes=5)))
                    # Longer than any function runs, and no call beside the first.
                    longest = max(
                        int(seconds)
                        for seconds in re.findall(r"timeout = optional\(number, (\d+)\)", terraform("variables.tf"))
                    )
                    self.assertGreater(task.botocore_config["read_timeout"], longest)
                    self.assertEqual(task.botocore_config["retries"], {"total_max_attempts": 1})
                    self.assertGreater(task.execution_timeout.total_seconds(), task.botocore_config["read_timeout"])

    def test_a_wait_is_longer_than_a_job_may_take(self):
        job = re.search(r'variable "job".*?^}', terraform("variables.tf"), re.MULTILINE | re.DOTALL)[0]
        attempts, seconds = (
            int(re.search(rf"{name}\s*=\s*optional\(number, (\d+)\)", job)[1]) for name in ("attempts", "timeout_seconds")
        )
        sensor = DAGS.get_dag("tributary_irceline").get_task("clean.jobs")
        self.assertGreater(sensor.partial_kwargs["timeout"].total_seconds(), attempts * seconds)


def terraform(name):
    return (PROJECT / "infra/modules/lake" / name).read_text()


class Rendered(unittest.TestCase):
    def rendered(self, dag, task, **params):
        task = DAGS.get_dag(dag).get_task(task).prepare_for_execution()
        variables = type(
            "Variables", (), {"get": staticmethod(lambda name, default=None: {"tributary_prefix": PREFIX}.get(name, default))}
        )
        task.render_template_fields({"params": params, "var": {"value": variables}})
        return task

    def test_a_night_has_no_dates(self):
        for source in ("codetrack", "illuminate", "irceline"):
            events = [{"source": source}, {"stale": True, "dataset": source}, {"dataset": source}]
            for function, wanted in zip(NIGHT, events):
                task = self.rendered(f"tributary_{source}", f"{function}.call")
                self.assertEqual((task.function_name, task.qualifier), (f"{PREFIX}-{function}", "live"))
                self.assertEqual(json.loads(task.payload), wanted)
        # The events of the functions' pages
        self.assertEqual(json.loads(self.rendered("tributary_irceline", "ingest.call").payload), event("ingest-nightly.json"))
        self.assertEqual(
            json.loads(self.rendered("tributary_irceline", "aggregate.call").payload), event("aggregate-dataset.json")
        )
        self.assertEqual(
            json.loads(self.rendered("tributary_irceline", "clean.call").payload),
            event("clean-stale.json") | {"dataset": "irceline"},
        )

    def test_an_upload_names_its_dataset(self):
        for name in ("energy_usage", 'a"b'):
            clean = self.rendered("tributary_uploads", "clean.call", dataset=name)
            aggregate = self.rendered("tributary_uploads", "aggregate.call", dataset=name)
            self.assertEqual(json.loads(clean.payload), {"stale": True, "dataset": name})
            self.assertEqual(json.loads(aggregate.payload), {"dataset": name})

    def test_a_backfill_is_a_job_of_the_lake(self):
        job = self.rendered("tributary_backfill", "backfill", source="irceline", **{"from": "2025-01-01", "to": "2026-01-01"})
        self.assertEqual((job.job_queue, job.job_definition), (f"{PREFIX}-job", f"{PREFIX}-job"))
        self.assertEqual(job.job_name, "backfill-irceline-2025-01-01-2026-01-01")
        self.assertEqual(
            job.container_overrides, {"command": ["backfill", "irceline", "--from", "2025-01-01", "--to", "2026-01-01"]}
        )

    def test_names_are_those_of_terraform(self):
        names = terraform("locals.tf")
        self.assertRegex(
            names, r'function_name = \{ for name in keys\(var.functions\) : name => "\$\{var.name_prefix\}-\$\{name\}" \}'
        )
        self.assertRegex(names, r'job_name\s*= "\$\{var.name_prefix\}-job"')
        self.assertRegex(names, r'alias = "live"')
        job = terraform("batch.tf")
        for kind in ("job_queue", "job_definition"):
            self.assertRegex(job, rf'resource "aws_batch_{kind}" "job" \{{[^}}]*?name\s*= local.job_name')

    def test_the_switch_is_one_of_terraform(self):
        [switch] = blocks(PAGE, "hcl")
        variable, source, attribute, value = re.fullmatch(r"(\w+) = \{ (\w+) = \{ (\w+) = (\w+) \} \}\n", switch).groups()
        declared = re.search(rf'variable "{variable}" {{.*?^}}', terraform("variables.tf"), re.MULTILINE | re.DOTALL)[0]
        self.assertRegex(declared, rf"{attribute}\s*= optional\(bool, true\)")
        self.assertEqual((f"tributary_{source}" in DAGS.dag_ids, value), (True, "false"))
        self.assertRegex(terraform("schedules.tf"), r'state\s*= each.value.enabled \? "ENABLED" : "DISABLED"')


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        apis = simulator("--now", now, "--stations", "10", "--series", "50")
        cls.apis = cls.enterClassContext(apis)

    def setUp(self):
        self.lake = self.enterContext(tempfile.TemporaryDirectory())
        settings = {
            **ENVIRONMENT,
            **self.apis,
            "LAKE_URL": f"file:{self.lake}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        self.aws = self.enterContext(contextlib.closing(Aws(BINARIES, settings, PREFIX)))

    def airflow(self, script):
        """Runs the page's commands, with this Python and a folder for Airflow that is not the page's."""
        self.assertIn(".venv/bin/airflow", script)
        script = script.replace(".venv/bin/airflow", str(pathlib.Path(sys.prefix, "bin/airflow"))).replace(
            "$PWD/target/airflow", HOME.name
        )
        environment = {**os.environ, "AWS_ENDPOINT_URL": self.aws.url}
        for name in ("AIRFLOW_HOME", "AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__LOAD_EXAMPLES", "AIRFLOW_CONN_AWS_DEFAULT"):
            environment.pop(name)  # the page sets them
        return subprocess.run(
            ["sh", "-euc", script], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def models(self, lake):
        return [
            sorted(query(lake, f"SELECT * FROM irceline.{model}"), key=str)
            for model in ("aggregate_station_by_day", "aggregate_city_by_hour", "exceedance_by_station_year")
        ]

    def test_the_page_runs_a_night_and_a_backfill(self):
        install, commands = blocks(PAGE, "sh")
        self.assertEqual(
            install.splitlines()[-1].split("  #")[0].rstrip(),
            ".venv/bin/pip install -r examples/airflow/requirements.txt -c examples/airflow/constraints.txt",
        )
        today = datetime.datetime.now(datetime.UTC).date()
        window = [str(today - datetime.timedelta(days)) for days in (20, 17)]
        commands = re.sub(r'"from": "[-\d]+", "to": "[-\d]+"', '"from": "{}", "to": "{}"'.format(*window), commands)
        ran = self.airflow(commands)
        self.assertEqual(ran.returncode, 0, ran.stdout)

        self.assertEqual([function for function, _ in self.aws.calls], NIGHT)
        [job] = self.aws.submitted
        self.assertEqual(job["containerOverrides"]["command"], ["backfill", "irceline", "--from", window[0], "--to", window[1]])
        # Yesterday and the three days before it, and the window; days are local, so yesterday may be another one than here.
        days = sorted(folder.name.removeprefix("date=") for folder in pathlib.Path(self.lake, "raw/irceline").glob("date=*"))
        nights = [datetime.date.fromisoformat(day) for day in days if day >= window[1]]
        self.assertEqual((len(days), len(nights), (nights[-1] - nights[0]).days), (7, 4, 3), days)
        self.assertLessEqual(abs((today - nights[-1]).days - 1), 1)
        night = ["--from", str(nights[0]), "--to", str(nights[-1] + datetime.timedelta(1))]
        # Models are those that the command line makes of the same days, and nothing is left to do.
        with tempfile.TemporaryDirectory() as other:
            tributary(other, "run", "irceline", *night, **self.apis)
            tributary(other, "backfill", "irceline", "--from", window[0], "--to", window[1], **self.apis)
            ours, theirs = self.models(self.lake), self.models(other)
            self.assertTrue(all(theirs))
            self.assertEqual(ours, theirs)
        again = json.loads(tributary(self.lake, "--output", "json", "run", "irceline", *night, **self.apis).splitlines()[-1])
        self.assertEqual((again["ok"], again["cleaned"], again["aggregated"]), (True, [], []), again)

        # Nothing was asked of AWS that the page gives no right to, and no right is of no use.
        rights = set()
        for statement in json.loads(blocks(PAGE, "json")[0])["Statement"]:
            self.assertEqual(statement["Effect"], "Allow")
            actions, resources = (
                [part] if isinstance(part, str) else part for part in (statement["Action"], statement["Resource"])
            )
            for resource in resources:
                resource = re.sub(r"^arn:aws:(lambda|batch):REGION:ACCOUNT:", "", resource).replace("tributary-", f"{PREFIX}-")
                rights |= {(action, resource) for action in actions}
        killing = {("batch:TerminateJob", "*")}
        revisions = {("batch:SubmitJob", f"job-definition/{PREFIX}-job:*")}
        self.assertEqual(rights - killing - revisions, self.aws.actions)
        self.assertLessEqual(killing | revisions, rights)

    def run_dag(self, name, wanted, **conf):
        """The states of a run's tasks, which are run in this process, without retries and pauses."""
        self.enterContext(unittest.mock.patch.dict(os.environ, AWS_ENDPOINT_URL=self.aws.url))
        dag = DagBag(str(FOLDER)).get_dag(name)
        for task in dag.tasks:
            if task.is_mapped:
                task.partial_kwargs["poke_interval"] = 0.2
            else:
                task.retries = 0
        with quiet():
            run = dag.test(run_conf=conf or None)
            tasks = {task.task_id: str(task.state) for task in run.get_task_instances()}
            self.assertEqual(run.state.value, wanted, tasks)
        return tasks

    def test_a_function_that_fails_fails_the_night(self):
        # There is no list of learners: ingest says so, and fails.
        tasks = self.run_dag("tributary_codetrack", "failed")
        self.assertEqual(tasks["ingest.call"], "failed")
        self.assertEqual({tasks[f"{step}.call"] for step in NIGHT[1:]}, {"upstream_failed"})
        self.assertEqual([function for function, _ in self.aws.calls], ["ingest"])

    def test_an_upload_is_cleaned_and_aggregated(self):
        folder = pathlib.Path(self.lake, "raw/energy_usage")
        folder.mkdir(parents=True)
        (folder / "readings.csv").write_text("customer_id,usage_kwh,start_time\n1,2.5,2026-05-12T01:00:00Z\n")
        self.run_dag("tributary_uploads", "success", dataset="energy_usage")
        rows = query(self.lake, "SELECT customer_id, daily_usage_kwh FROM energy_usage.usage_by_customer_day")
        self.assertEqual(rows, [{"customer_id": 1, "daily_usage_kwh": 2.5}])

    def test_work_that_was_handed_over_is_waited_for(self):
        self.aws.hands_over = {"clean": [{"job_id": "first"}, {"job_id": "second"}]}
        self.aws.scripted = {"first": ["RUNNABLE", "RUNNING", "SUCCEEDED"], "second": ["SUCCEEDED"]}
        tasks = self.run_dag("tributary_uploads", "success", dataset="energy_usage")
        self.assertEqual((tasks["clean.jobs"], tasks["aggregate.jobs"]), ("success", "skipped"))
        self.assertEqual(self.aws.scripted, {"first": ["SUCCEEDED"], "second": ["SUCCEEDED"]})
        self.assertEqual([function for function, _ in self.aws.calls], NIGHT[1:])

    def test_a_job_that_failed_fails_the_night(self):
        self.aws.hands_over = {"clean": [{"job_id": "first"}]}
        self.aws.scripted = {"first": ["RUNNING", "FAILED"]}
        tasks = self.run_dag("tributary_uploads", "failed", dataset="energy_usage")
        self.assertEqual((tasks["clean.jobs"], tasks["aggregate.call"]), ("failed", "upstream_failed"))

    def test_a_window_must_be_one(self):
        for conf in (
            {},
            {"source": "irceline", "from": "yesterday", "to": "2026-01-01"},
            {"source": "x", "from": "2026-01-01", "to": "2026-01-02"},
        ):
            with self.assertRaises(ParamValidationError):
                self.run_dag("tributary_backfill", "failed", **conf)
        self.assertEqual(self.aws.submitted, [])


if __name__ == "__main__":
    unittest.main()
