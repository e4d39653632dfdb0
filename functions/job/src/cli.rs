//! Commands and options.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand, ValueEnum};
use lake::time::parse_day;

const EXAMPLES: &str = "\
Examples:
  tributary run irceline                                     what the nightly schedule does
  tributary run irceline --from 2026-11-01 --to 2026-11-08   a window of local days, the last excluded
  tributary status                                           what is in the lake, and what is waiting
  tributary query \"SELECT * FROM irceline.aggregate_station_by_day LIMIT 5\"

The lake is ./lake unless --lake or LAKE_URL says otherwise (file:PATH or s3://BUCKET/PREFIX).
Exit status: 0 done; 1 something could not be done; 2 wrong usage or settings.";

/// A data lake of small files: fetch from APIs, clean row by row, aggregate with SQL.
#[derive(Debug, Parser)]
#[command(name = "tributary", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    /// The lake: a folder's path, file:PATH or s3://BUCKET/PREFIX [env: LAKE_URL, not as a path] [default: file:lake]
    #[arg(long, global = true, value_name = "URL")]
    pub lake: Option<String>,
    /// How results are printed; json: the last line on stdout is one JSON object; csv: its lists, as rows
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// Say more on stderr: -v what is tried again, -vv details
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Only errors on stderr, no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For spreadsheets: what the JSON lists, a row for each element.
    Csv,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch a window of local days from an API into the raw zone
    #[command(after_help = "Example:\n  tributary ingest irceline --from 2026-11-01 --to 2026-11-08")]
    Ingest {
        /// The source, such as irceline
        source: String,
        #[command(flatten)]
        window: WindowOptions,
        /// What the API no longer has is gone for good: give it up in the raw zone too
        #[arg(long)]
        accept_loss: bool,
        /// Only show which local days would be fetched
        #[arg(long)]
        dry_run: bool,
    },
    /// Clean raw objects into the standard zone; invalid rows go to the rejection zone
    #[command(
        after_help = "Examples:\n  tributary clean\n  tributary clean --dataset energy_usage --dry-run\n  tributary clean lake/raw/energy_usage/november.csv"
    )]
    Clean {
        /// Raw keys, such as irceline/date=2026-11-18/values.ndjson (or paths of them, below raw/); default: all that the ledger does not show as done
        #[arg(value_name = "KEY", conflicts_with_all = ["dataset", "all"])]
        keys: Vec<String>,
        /// Only this dataset
        #[arg(long, value_name = "NAME")]
        dataset: Option<String>,
        /// All raw objects again, from scratch
        #[arg(long)]
        all: bool,
        /// Remove what was made of raw objects that are gone, even of many at once
        #[arg(long)]
        prune: bool,
        /// Only show which raw objects would be cleaned, and what would be removed
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        limits: LimitOptions,
    },
    /// Bring stale partitions of the consumption zone up to date
    #[command(
        after_help = "Examples:\n  tributary aggregate --plan\n  tributary aggregate --model irceline.aggregate_station_by_day --diff"
    )]
    Aggregate {
        /// Only this dataset
        #[arg(long, value_name = "NAME")]
        dataset: Option<String>,
        /// Only this model, as MODEL or DATASET.MODEL, and those it reads; may be repeated
        #[arg(long = "model", value_name = "NAME")]
        models: Vec<String>,
        /// All partitions again, stale or not
        #[arg(long)]
        all: bool,
        /// Also where a partition loses far more rows than its model allows
        #[arg(long)]
        allow_shrink: bool,
        /// Only show what would be made, and why
        #[arg(long, visible_alias = "dry-run")]
        plan: bool,
        /// Only show how rows would differ: stale partitions are made and compared, and nothing is committed
        #[arg(long, conflicts_with = "plan")]
        diff: bool,
    },
    /// Ingest, clean and aggregate, with a summary
    #[command(after_help = "Example:\n  tributary run irceline --from 2026-11-01 --to 2026-11-08")]
    Run {
        /// The sources; default: all whose settings are there
        #[arg(value_name = "SOURCE")]
        sources: Vec<String>,
        #[command(flatten)]
        window: WindowOptions,
        /// What the APIs no longer have is gone for good: give it up in the raw zone too
        #[arg(long)]
        accept_loss: bool,
        /// Only show what would be fetched, cleaned and made, by what is there now
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        limits: LimitOptions,
    },
    /// Ingest, clean and aggregate a long window, piece by piece; by AWS Batch where a lake on S3 has a queue
    #[command(after_help = "Example:\n  tributary backfill irceline --from 2025-01-01 --to 2026-01-01")]
    Backfill {
        /// The source, such as irceline
        source: String,
        /// The first local day
        #[arg(long, value_name = "DATE", value_parser = parse_day)]
        from: NaiveDate,
        /// The local day after the last
        #[arg(long, value_name = "DATE", value_parser = parse_day)]
        to: NaiveDate,
        /// Only show what would be fetched, cleaned and made, by what is there now
        #[arg(long)]
        dry_run: bool,
    },
    /// Show per dataset what there is, what is stale and what is waiting
    #[command(after_help = "Examples:\n  tributary status energy_usage\n  tributary --output json status")]
    Status {
        /// Only this dataset
        #[arg(value_name = "DATASET")]
        dataset: Option<String>,
    },
    /// Make a folder that is an empty lake: raw/, config/, a README
    #[command(after_help = "Example:\n  tributary init lake")]
    Init {
        /// The folder; default: the lake, as --lake or LAKE_URL has it
        #[arg(value_name = "FOLDER")]
        folder: Option<String>,
    },
    /// Look whether all is there that commands need: settings, rights in each zone, time, room for temporary files
    #[command(after_help = "Example:\n  tributary --lake s3://my-lake doctor")]
    Doctor,
    /// Print a script that completes commands and options in a shell
    #[command(after_help = "Example:\n  tributary completions bash > /etc/bash_completion.d/tributary")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page, as troff: `tributary man | man -l -`
    #[command(after_help = "Example:\n  tributary man | man -l -")]
    Man,
    /// Prove that no row is lost: accounts balance, every object is there as the ledger says, none is orphaned
    #[command(after_help = "Examples:\n  tributary verify\n  tributary verify --repair")]
    Verify {
        /// Make again what can be made from raw, remove what no ledger entry names, and prove once more
        #[arg(long)]
        repair: bool,
    },
    /// Do one share of work that was handed to AWS Batch: the command of its jobs
    ///
    /// Which share is told by AWS_BATCH_JOB_ARRAY_INDEX; without it all of them are done, one after another.
    #[command(hide = true)]
    Job {
        /// The id of the manifest: batch/ID.json in the lake
        manifest: String,
    },
    /// Clean again every raw object that has rejects, after a rule has changed
    #[command(after_help = "Examples:\n  tributary replay --dry-run\n  tributary replay --dataset energy_usage")]
    Replay {
        /// Only this dataset
        #[arg(long, value_name = "NAME")]
        dataset: Option<String>,
        /// Only show which raw objects would be cleaned
        #[arg(long)]
        dry_run: bool,
    },
    /// Help to write a dataset's folder: draft it from a sample file, check it
    Dataset {
        #[command(subcommand)]
        command: DatasetCommand,
    },
    /// Say what datasets, tables, models and their columns are
    #[command(after_help = "Example:\n  tributary describe irceline.measurement")]
    Describe {
        /// DATASET, DATASET.TABLE or DATASET.MODEL; default: all datasets
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Say what columns are computed from, and what is computed from them, by the plans of models
    #[command(
        after_help = "Examples:\n  tributary lineage irceline.aggregate_station_by_day.coverage\n  tributary lineage --openlineage irceline"
    )]
    Lineage {
        /// DATASET.MODEL.COLUMN, or DATASET.MODEL for all its columns; a table's columns, too. With --openlineage DATASET
        #[arg(value_name = "NAME", required_unless_present = "openlineage")]
        name: Option<String>,
        /// Print the newest runs of tables and models as events of OpenLineage, one per line, for a catalog that takes them
        #[arg(long)]
        openlineage: bool,
    },
    /// Print SQL by which another engine knows the lake's tables and models, and views of the rows that count
    #[command(
        after_help = "Examples:\n  tributary schema --dialect duckdb irceline | duckdb\n  tributary schema --dialect athena --database my_lake"
    )]
    Schema(SchemaOptions),
    /// Register partitions in the Glue Data Catalog (GLUE_DATABASE), for engines that see no others; aggregate does so, too
    #[command(after_help = "Example:\n  GLUE_DATABASE=my_lake tributary --lake s3://my-lake catalog")]
    Catalog {
        /// Only this dataset
        #[arg(long, value_name = "NAME")]
        dataset: Option<String>,
    },
    /// Copy partitions of models that have changed into tables of Snowflake's own, each in one transaction
    #[command(after_help = "Example:\n  tributary snowflake-copy irceline --plan")]
    SnowflakeCopy(CopyOptions),
    /// Make report pages: consumption/DATASET/report.html and consumption/index.html; of all datasets also catalog.html, which describes the lake
    #[command(after_help = "Example:\n  tributary report trams --into pages --watch")]
    Report {
        /// Only this dataset
        #[arg(value_name = "DATASET")]
        dataset: Option<String>,
        /// Into this folder, and not into the lake: to look at pages while they are written
        #[arg(long, value_name = "FOLDER")]
        into: Option<PathBuf>,
        /// Go on, and make them again when something in config/datasets/ of a local lake changes
        #[arg(long)]
        watch: bool,
    },
    /// Say what a reason of rejection means, and what to do; without one, list all
    #[command(after_help = "Example:\n  tributary explain missing_column")]
    Explain {
        /// The reason, such as missing_column
        #[arg(value_name = "REASON")]
        reason: Option<String>,
    },
    /// Run the tests of models: those that they declare, over the rows that are there, and unit tests, the files
    /// MODEL.test.toml beside them
    #[command(
        after_help = "Examples:\n  tributary test trams\n  tributary test --draft trams.people_by_day > people_by_day.test.toml"
    )]
    Test {
        /// Only this dataset
        #[arg(value_name = "DATASET", conflicts_with = "draft")]
        dataset: Option<String>,
        /// Print a test of this model, drafted from rows of the lake; personal values are replaced
        #[arg(long, value_name = "DATASET.MODEL")]
        draft: Option<String>,
    },
    /// Run SQL over all tables and models, named dataset.table
    #[command(
        after_help = "Examples:\n  tributary query \"SELECT * FROM irceline.measurement LIMIT 5\"\n  tributary query --csv -f question.sql > answer.csv"
    )]
    Query {
        /// The query, such as "SELECT count(*) FROM irceline.measurement"; - reads it from standard input; SHOW TABLES
        /// lists what there is
        #[arg(value_name = "SQL", required_unless_present = "file", conflicts_with = "file")]
        sql: Option<String>,
        /// Read the query from a file
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Print CSV
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        /// Print one JSON object per row
        #[arg(long)]
        json: bool,
        /// End the query after so many seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 600)]
        time_limit: u64,
    },
}

/// For which engine SQL is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// Amazon Athena, with the Glue Data Catalog.
    Athena,
    /// Snowflake.
    Snowflake,
    /// DuckDB: a local lake, or one on S3.
    Duckdb,
    /// Spark SQL: a local lake, or one on S3.
    Spark,
}

/// What tables are in Snowflake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SnowflakeTables {
    /// External tables over the files: generally available.
    External,
    /// Read-only Iceberg tables over the files (Parquet Direct): a preview.
    Iceberg,
    /// Tables of Snowflake's own, of models: what `tributary snowflake-copy` fills.
    Native,
}

/// What SQL to print.
#[derive(Debug, Args)]
pub struct SchemaOptions {
    /// DATASET, DATASET.TABLE or DATASET.MODEL; default: all datasets
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// The engine
    #[arg(long, value_enum)]
    pub dialect: Dialect,
    /// Where the engine finds the lake: the folder with standard/ and consumption/, as a path, file:PATH or
    /// s3://BUCKET/PREFIX; default: the zones' own places
    #[arg(long, value_name = "URL")]
    pub location: Option<String>,
    /// Athena: the Glue database; Terraform calls it as name_prefix, with _ for -
    #[arg(long, value_name = "NAME", default_value = "tributary")]
    pub database: String,
    /// Snowflake: what tables are
    #[arg(long, value_enum, value_name = "KIND", default_value = "external")]
    pub tables: SnowflakeTables,
}

/// What to copy into Snowflake.
#[derive(Debug, Args)]
pub struct CopyOptions {
    /// DATASET or DATASET.MODEL; default: all models
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// All partitions again, changed or not
    #[arg(long)]
    pub all: bool,
    /// Only show what would be copied
    #[arg(long, visible_alias = "dry-run")]
    pub plan: bool,
    /// Delete a model's rows in Snowflake even if all of its partitions are gone from the lake
    #[arg(long)]
    pub prune: bool,
}

/// What to do with a dataset's folder.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum DatasetCommand {
    /// Check a dataset's folder: say what is wrong and where, or what a lake will make of it
    #[command(after_help = "Example:\n  tributary dataset check lake/config/datasets/trams")]
    Check {
        /// The folder with dataset.toml and SQL files; its name is the dataset's
        folder: PathBuf,
    },
    /// Print what Terraform makes tables, alarms and the rights of readers of, of the datasets that the lake declares (own_datasets_file)
    #[command(after_help = "Example:\n  tributary --lake s3://my-lake dataset export-terraform > own-datasets.json")]
    ExportTerraform,
    /// Draft a dataset's folder from a sample file, and read the sample with it
    #[command(after_help = "Example:\n  tributary dataset new trams --from november.csv --into lake/config/datasets")]
    New {
        /// The dataset's name, in small letters, digits and _
        name: String,
        /// A sample of the files to come: CSV and its kin, JSON, NDJSON, .xlsx or .parquet; plain or .gz, .zst or .zip
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Where to make the folder; default: here. In a lake: LAKE/config/datasets
        #[arg(long, value_name = "FOLDER")]
        into: Option<PathBuf>,
    },
}

/// What counts as a failure.
#[derive(Debug, Clone, Copy, Args)]
pub struct LimitOptions {
    /// The share of an object's rows that may be rejected, from 0 to 1: more is exit status 1
    #[arg(long, value_name = "SHARE", default_value_t = clean::MAX_REJECTED, value_parser = share)]
    pub max_rejected: f64,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("\"{text}\" is not a share: give a number from 0 to 1, such as 0.1"))
}

/// A window of local days.
#[derive(Debug, Clone, Copy, Args)]
pub struct WindowOptions {
    /// The first local day; default: the source's re-read days before yesterday
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    pub from: Option<NaiveDate>,
    /// The local day after the last; default: today
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    pub to: Option<NaiveDate>,
}
