# What can be set. modules/lake/variables.tf checks the values and has the defaults of all that is null here. Names of attributes are
# checked here alone: where a variable is an object, Terraform drops what it does not know, and a slip would change nothing.

variable "region" {
  description = "AWS region of everything"
  type        = string
  default     = "eu-west-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region looks like eu-west-1."
  }
}

variable "packages_dir" {
  description = "Folder with ingest.zip, clean.zip and aggregate.zip, as `make package` leaves them. Default: target/lambda of this checkout"
  type        = string
  default     = null
}

variable "name_prefix" {
  description = "First part of every name. One lake per account, region and prefix"
  type        = string
  default     = null
}

variable "region_in_names" {
  description = "Put the region into the names of buckets, roles and the dashboard, which an account has once for all regions: for a second lake of the same prefix in another region. It is for a new lake: of one that is there a change is refused"
  type        = bool
  default     = null
}

variable "tags" {
  description = "More tags for everything, beside project and deployment"
  type        = map(string)
  default     = null
}

variable "force_destroy" {
  description = "For lakes that may be thrown away: destroy deletes buckets and results that are not empty. Without it a destroy of the whole lake is refused, and so is setting it once the lake is there (README.md, Take it down)"
  type        = bool
  default     = null
}

variable "emulator" {
  description = "This is no AWS account but an emulator, without AWS's limits: retry_after_seconds may be shorter than a timeout"
  type        = bool
  default     = null
}

variable "role_path" {
  description = "Path of all roles"
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds all roles"
  type        = string
  default     = null
}

variable "kms_key" {
  description = "ARN of a KMS key that encrypts everything at rest: buckets (but the log bucket, which S3 writes with its own key only), queues, topics, logs, images, schedules, the digest, the functions' environments. Its policy must allow the services that output kms_key_statement names. Null: the keys of AWS, which are free"
  type        = string
  default     = null
}

variable "buckets" {
  description = "Buckets that exist already, by zone (raw, standard, rejection, consumption, ledger, athena, logs): used as they are. Their encryption, policy, versioning and lifecycle are their owner's; the notifications of raw and ledger are this module's alone. One bucket is for one zone"
  type        = map(string)
  default     = null
}

variable "job_network" {
  description = "Subnets and security groups that Batch jobs use in place of a network of their own. public_ip: whether a job gets an address, as it needs in a public subnet"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.job_network), []), ["subnets", "security_groups", "public_ip"])) == 0
    error_message = "There are only subnets, security_groups and public_ip."
  }
}

variable "functions_network" {
  description = "Subnets and security groups of a VPC that the functions run in. They need a way to S3, SQS, Batch, Secrets Manager and the APIs. Null: no VPC"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.functions_network), []), ["subnets", "security_groups"])) == 0
    error_message = "There are only subnets and security_groups."
  }
}

variable "raw_events_to_eventbridge" {
  description = "Send events of the raw bucket to EventBridge as well, for subscribers of your own"
  type        = bool
  default     = null
}

variable "readers" {
  description = "Accounts (12 digits) or ARNs of roles, of other accounts as well, that may read a zone: { consumption = [...], standard = [...] }. Tables, models and pages with personal columns stay closed, unless personal = true"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.readers), []), ["consumption", "standard", "personal"])) == 0
    error_message = "There are only consumption, standard and personal."
  }
}

variable "analysts" {
  description = "A role for analysts, and who may take it (accounts of 12 digits, or ARNs): it queries consumption in Athena, in a workgroup of its own, with standard = true the standard zone too; tables, models and pages with personal columns only with personal = true. Never rejection or raw. Null: no role"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.analysts), []), ["trusted", "standard", "personal"])) == 0
    error_message = "There are only trusted, standard and personal."
  }
}

variable "architecture" {
  description = "Architecture of the function packages and the Batch image"
  type        = string
  default     = null
}

variable "functions" {
  description = "Memory in MB, timeout in seconds and /tmp in MB per function; what is left out keeps its default"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.functions), []), ["ingest", "clean", "aggregate"])) == 0
    error_message = "There are only ingest, clean and aggregate."
  }

  validation {
    condition     = length(setsubtract(flatten([for of in try(values(var.functions), []) : try(keys(of), [])]), ["memory", "timeout", "tmp"])) == 0
    error_message = "Of each there are only memory, timeout and tmp."
  }
}

variable "irceline_url" {
  description = "Root of the IRCELINE API, if not the public one"
  type        = string
  default     = null
}

variable "illuminate_url" {
  description = "Root of the Illuminate API, like https://NAME.illuminateed.com/live/. Null: this source is not asked"
  type        = string
  default     = null
}

variable "illuminate_secret" {
  description = "ARN of the secret in Secrets Manager with client_id and client_secret of Illuminate, as JSON. Made by hand: its value is in no plan or state"
  type        = string
  default     = null
}

variable "codetrack_url" {
  description = "Root of the Codetrack API. Null: this source is not asked"
  type        = string
  default     = null
}

variable "personal_key_secret" {
  description = "ARN of the secret in Secrets Manager whose text is the key of the hashes that models with hash_personal have. Null: there is none"
  type        = string
  default     = null
}

variable "secrets_kms_key" {
  description = "ARN of the KMS key that encrypts the secrets above, if it is not AWS's own: the functions that read them get kms:Decrypt on it"
  type        = string
  default     = null
}

variable "datasets" {
  description = "Built-in datasets that this lake is for: they get tables in Athena, alarms and graphs. Null: all"
  type        = list(string)
  default     = null
}

variable "own_datasets_file" {
  description = "JSON file with the datasets of the lake's own config/datasets/, as `tributary dataset export-terraform` writes it (README.md has the format): they get tables, alarms and graphs like the built-in ones"
  type        = string
  default     = null
}

variable "own_datasets" {
  description = "Names of datasets that only the lake's config/datasets/ declares, where there is no own_datasets_file: they get alarms and graphs, but no tables"
  type        = list(string)
  default     = null
}

variable "daily_since" {
  description = "First day that Athena looks for in tables with a partition per day, like 2026-01-01. Null: a query must name its days, as every day since then costs a request in a query that names none"
  type        = string
  default     = null
}

variable "function_versions" {
  description = "Versions that the functions' alias `live` points to, by function, to roll back: { clean = \"12\" }. What is left out is the newest"
  type        = map(string)
  default     = null
}

variable "log_level" {
  description = "Least level of what functions and jobs log. INFO is of this project only, with warnings of libraries; others are of both"
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "Days that logs are kept"
  type        = number
  default     = null
}

variable "schedules" {
  description = "Per source: local times (HH:MM, in the dataset's time zone) of ingest and of the nightly aggregate; enabled = false stops both; when the newest data is older than quiet_days an alarm is raised (default: 2, or 7 for illuminate and codetrack, as schools and courses rest; 0: never)"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(flatten([for of in try(values(var.schedules), []) : try(keys(of), [])]), ["ingest", "aggregate", "enabled", "quiet_days"])) == 0
    error_message = "Of each there are only ingest, aggregate, enabled and quiet_days."
  }
}

variable "sweep" {
  description = "Twice a day, at this hour and twelve hours later, clean looks for raw objects whose event was lost and reports the age of the newest data, and half an hour later aggregate looks for stale partitions: of all datasets, own ones too. enabled = false stops it, and with it the alarms on the age of data"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.sweep), []), ["hour", "time_zone", "enabled"])) == 0
    error_message = "There are only hour, time_zone and enabled."
  }
}

variable "fresh" {
  description = "Uploads and own datasets whose newest data is watched as well: { energy_usage = { table = \"reading\", quiet_days = 3 } }. For a source only `table` counts, if it is to be another one; its quiet_days are in schedules"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(flatten([for of in try(values(var.fresh), []) : try(keys(of), [])]), ["table", "quiet_days"])) == 0
    error_message = "Of each there are only table and quiet_days."
  }
}

variable "holidays" {
  description = "When no new data is expected, by dataset: months (1 to 12) of every year, and days of holidays (to included). The alarm on the age of data is silent then and for quiet_days after: { codetrack = { months = [7, 8], days = [{ from = \"2026-12-21\", to = \"2027-01-03\" }] } }"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(flatten([for of in try(values(var.holidays), []) : try(keys(of), [])]), ["months", "days"])) == 0
    error_message = "Of each there are only months and days."
  }

  validation {
    condition     = length(setsubtract(flatten([for of in try(values(var.holidays), []) : [for days in try(of.days, []) : try(keys(days), [])]]), ["from", "to"])) == 0
    error_message = "Of days there are only from and to."
  }
}

variable "aggregate_delay_seconds" {
  description = "How long news of cleaned objects is gathered before one aggregate run takes all of it"
  type        = number
  default     = null
}

variable "clean_concurrency" {
  description = "How many clean functions run at once at most"
  type        = number
  default     = null
}

variable "retry_after_seconds" {
  description = "How long a message that failed, or is being worked on, stays hidden. Null: six times the function's timeout, as AWS advises"
  type        = number
  default     = null
}

variable "batch" {
  description = "Whether there is AWS Batch for what is too large for a function. false: no job, no image, no network; a window or object that is too large then fails with its reason"
  type        = bool
  default     = null
}

variable "image_tag" {
  description = "Tag of the job image in the ECR repository. Tags are immutable: a new image has a new tag"
  type        = string
  default     = null
}

variable "job" {
  description = "vCPUs, memory in MB, disk in GB, attempts and seconds per attempt of a Batch job, and vCPUs that run at once"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.job), []), ["vcpu", "memory", "disk", "attempts", "timeout_seconds", "max_vcpus"])) == 0
    error_message = "There are only vcpu, memory, disk, attempts, timeout_seconds and max_vcpus."
  }
}

variable "batch_above_bytes" {
  description = "Input above which a function hands its work to Batch"
  type        = number
  default     = null
}

variable "batch_above_days" {
  description = "Window above which ingest hands its work to Batch"
  type        = number
  default     = null
}

variable "raw_old_versions_days" {
  description = "Days that replaced and deleted raw objects can be had back"
  type        = number
  default     = null
}

variable "raw_cheaper_after_days" {
  description = "Age at which raw objects move to STANDARD_IA and to GLACIER_IR. Both are read at once, so a replay works at any age"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.raw_cheaper_after_days), []), ["standard_ia", "glacier_ir"])) == 0
    error_message = "There are only standard_ia and glacier_ir."
  }
}

variable "alarm_email" {
  description = "Address that gets the alarms; it is asked to confirm. Null: subscribe to the topic by other means"
  type        = string
  default     = null
}

variable "slack" {
  description = "Channel of Slack that gets the alarms and messages by Amazon Q Developer in chat applications: { team = \"T0123ABCD\", channel = \"C0123ABCD\" }, the ids of the workspace and the channel. The workspace is allowed once by hand, in the console of Amazon Q. Null: no channel"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.slack), []), ["team", "channel"])) == 0
    error_message = "There are only team and channel."
  }
}

variable "digest" {
  description = "A message each week of how each dataset does: rows, rejects, age of the newest data, its page, and alarms that ring. {} is on Mondays at 8 UTC; pages is the root at which people open the pages of consumption, if not in the console: { day = \"FRI\", hour = 16, time_zone = \"Europe/Brussels\", pages = \"https://lake.example.org\" }. Null: no digest"
  type        = any
  default     = null

  validation {
    condition     = length(setsubtract(try(keys(var.digest), []), ["day", "hour", "time_zone", "pages"])) == 0
    error_message = "There are only day, hour, time_zone and pages."
  }
}

variable "reject_share_percent" {
  description = "Share of rejected rows in an hour above which an alarm is raised"
  type        = number
  default     = null
}

variable "registered_partitions" {
  description = "Whether partitions are registered in the Glue Data Catalog beside the projection: Redshift Spectrum, EMR and Glue's Spark see no others"
  type        = bool
  default     = null
}

variable "dashboard" {
  description = "Whether there is a dashboard: 3 USD a month beyond the three that an account has for free"
  type        = bool
  default     = null
}

variable "oldest_message_minutes" {
  description = "Age of the oldest message of the queues of clean and aggregate above which an alarm is raised"
  type        = number
  default     = null
}
