"""DAGs that run a Tributary lake on AWS from Airflow; README.md says how to try them.

No run is told of dates: ingest asks for what is new and for what may have been corrected, clean and aggregate take whatever
the ledger does not show as done. A run that failed is made good by the next one, and a run that is repeated does
nothing. Only a backfill has a window.
"""

import json
from datetime import timedelta

import pendulum
from airflow.providers.amazon.aws.operators.batch import BatchOperator
from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.providers.amazon.aws.sensors.batch import BatchSensor
from airflow.sdk import DAG, Param, TaskGroup, chain, task

# The sources, and the time zones of their datasets: nights are local.
SOURCES = {
    "codetrack": "America/New_York",
    "illuminate": "America/Los_Angeles",
    "irceline": "Europe/Brussels",
}

# Terraform's `name_prefix`, of which all names are made.
PREFIX = "{{ var.value.get('tributary_prefix', 'tributary') }}"

RETRIES = {
    "retries": 3,
    "retry_delay": timedelta(minutes=5),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=30),
}


@task(retries=0)
def handed_over(answer: str) -> list[str]:
    """The jobs of AWS Batch that a function gave its work to, as it was too much for one call: most often none."""
    return [job["job_id"] for job in json.loads(answer)["handed_over"]]


def step(function: str, payload: str) -> TaskGroup:
    """Calls a function and waits for its jobs. A function that fails for any part of its work fails its task."""
    with TaskGroup(function) as group:
        call = LambdaInvokeFunctionOperator(
            task_id="call",
            function_name=f"{PREFIX}-{function}",
            qualifier="live",
            payload=payload,
            # A call may take 15 minutes. Airflow repeats what fails; boto would call again after a minute without an answer.
            botocore_config={"read_timeout": 920, "tcp_keepalive": True, "retries": {"total_max_attempts": 1}},
            execution_timeout=timedelta(minutes=20),
            # The step before has skipped its wait for jobs, if there were none.
            trigger_rule="none_failed",
        )
        # The job definition has retries of its own: a job that failed is not waited for again.
        BatchSensor.partial(task_id="jobs", mode="reschedule", poke_interval=60, timeout=timedelta(hours=13), retries=0).expand(
            job_id=handed_over(call.output)
        )
    return group


for source, zone in SOURCES.items():
    with DAG(
        f"tributary_{source}",
        description=f"One night of {source}: ingest, clean, aggregate",
        schedule="30 4 * * *",
        start_date=pendulum.datetime(2026, 1, 1, tz=zone),
        catchup=False,
        max_active_runs=1,
        default_args=RETRIES,
        tags=["tributary"],
    ):
        chain(
            step("ingest", json.dumps({"source": source})),
            step("clean", json.dumps({"stale": True, "dataset": source})),
            step("aggregate", json.dumps({"dataset": source})),
        )

with DAG(
    "tributary_uploads",
    description="After an upload: clean and aggregate whatever is stale of a dataset",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    params={"dataset": Param(type="string", pattern="^[a-z0-9_]+$", description="The dataset, such as energy_usage")},
    tags=["tributary"],
):
    chain(
        step("clean", '{"stale": true, "dataset": {{ params.dataset | tojson }}}'),
        step("aggregate", '{"dataset": {{ params.dataset | tojson }}}'),
    )

with DAG(
    "tributary_backfill",
    description="A long window of a source: ingest, clean and aggregate in one job of AWS Batch",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params={
        "source": Param(enum=list(SOURCES), description="The source"),
        "from": Param(type="string", format="date", description="The first local day"),
        "to": Param(type="string", format="date", description="The local day after the last"),
    },
    tags=["tributary"],
):
    BatchOperator(
        task_id="backfill",
        job_name="backfill-{{ params.source }}-{{ params['from'] }}-{{ params.to }}",
        job_queue=f"{PREFIX}-job",
        job_definition=f"{PREFIX}-job",
        # The job definition has the lake's settings, and the retries.
        container_overrides={
            "command": ["backfill", "{{ params.source }}", "--from", "{{ params['from'] }}", "--to", "{{ params.to }}"]
        },
        retries=0,
    )
