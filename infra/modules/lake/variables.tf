variable "name_prefix" {
  description = "First part of every name. One lake per account, region and prefix"
  type        = string
  default     = "tributary"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name_prefix)) && !strcontains(var.name_prefix, "--")
    error_message = "3 to 20 of a-z, 0-9 and single hyphens, with a letter first and no hyphen last (bucket names are made of it)."
  }
}

variable "region_in_names" {
  description = "Put the region into the names of buckets, roles and the dashboard, which an account has once for all regions: for a second lake of the same prefix in another region. It is for a new lake: of one that is there a change is refused"
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "More tags for everything, beside project and deployment"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection(keys(var.tags), ["project", "deployment"])) == 0
    error_message = "project and deployment are given already: deployment is name_prefix, by which the rights of a deployer and bills go."
  }
}

variable "force_destroy" {
  description = "For lakes that may be thrown away: destroy deletes buckets and results that are not empty. Without it a destroy of the whole lake is refused, and so is setting it once the lake is there (README.md, Take it down)"
  type        = bool
  default     = false
  nullable    = false
}

variable "emulator" {
  description = "This is no AWS account but an emulator, without AWS's limits: retry_after_seconds may be shorter than a timeout"
  type        = bool
  default     = false
  nullable    = false
}

# What an organization brings along

variable "role_path" {
  description = "Path of all roles"
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([A-Za-z0-9_.,+@=-]+/)*$", var.role_path))
    error_message = "A path begins and ends with a slash, like /data/."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds all roles"
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/", var.permissions_boundary))
    error_message = "The ARN of a policy, which starts with arn:aws:iam:: and has :policy/."
  }
}

variable "kms_key" {
  description = "ARN of a KMS key that encrypts everything at rest: buckets (but the log bucket, which S3 writes with its own key only), queues, topics, logs, images, schedules, the digest, the functions' environments. Its policy must allow the services that output kms_key_statement names. Null: the keys of AWS, which are free"
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key))
    error_message = "The ARN of a key (not of an alias), which starts with arn:aws:kms: and has :key/."
  }
}

variable "buckets" {
  description = "Buckets that exist already, by zone (raw, standard, rejection, consumption, ledger, athena, logs): used as they are. Their encryption, policy, versioning and lifecycle are their owner's; the notifications of raw and ledger are this module's alone. One bucket is for one zone"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.buckets), ["raw", "standard", "rejection", "consumption", "ledger", "athena", "logs"])) == 0 && length(distinct(values(var.buckets))) == length(var.buckets)
    error_message = "Zones are raw, standard, rejection, consumption, ledger, athena and logs, each with a bucket of its own."
  }
}

variable "job_network" {
  description = "Subnets and security groups that Batch jobs use in place of a network of their own. public_ip: whether a job gets an address, as it needs in a public subnet"
  type = object({
    subnets         = list(string)
    security_groups = list(string)
    public_ip       = optional(bool, false)
  })
  default = null
}

variable "functions_network" {
  description = "Subnets and security groups of a VPC that the functions run in. They need a way to S3, SQS, Batch, Secrets Manager and the APIs. Null: no VPC"
  type = object({
    subnets         = list(string)
    security_groups = list(string)
  })
  default = null
}

variable "raw_events_to_eventbridge" {
  description = "Send events of the raw bucket to EventBridge as well, for subscribers of your own"
  type        = bool
  default     = false
  nullable    = false
}

variable "readers" {
  description = "Accounts (12 digits) or ARNs of roles, of other accounts as well, that may read a zone: { consumption = [...], standard = [...] }. Tables, models and pages with personal columns stay closed, unless personal = true"
  type = object({
    consumption = optional(list(string), [])
    standard    = optional(list(string), [])
    personal    = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for who in concat(var.readers.consumption, var.readers.standard) : can(regex("^([0-9]{12}|arn:[a-z-]+:iam::[0-9]{12}:(root|role/.+|user/.+))$", who))])
    error_message = "Accounts of 12 digits, or ARNs of roles or users."
  }
}

variable "analysts" {
  description = "A role for analysts, and who may take it (accounts of 12 digits, or ARNs): it queries consumption in Athena, in a workgroup of its own, with standard = true the standard zone too; tables, models and pages with personal columns only with personal = true. Never rejection or raw. Null: no role"
  type = object({
    trusted  = list(string)
    standard = optional(bool, false)
    personal = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.analysts == null || try(length(var.analysts.trusted) > 0 && alltrue([for who in var.analysts.trusted : can(regex("^([0-9]{12}|arn:[a-z-]+:iam::[0-9]{12}:(root|role/.+|user/.+))$", who))]), false)
    error_message = "trusted: at least one account of 12 digits, or ARN of a role or user."
  }
}

# Functions

variable "packages_dir" {
  description = "Folder with ingest.zip, clean.zip and aggregate.zip, as `make package` leaves them"
  type        = string
}

variable "architecture" {
  description = "Architecture of the function packages and the Batch image"
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Either arm64 or x86_64."
  }
}

variable "functions" {
  description = "Memory in MB, timeout in seconds and /tmp in MB per function; what is left out keeps its default"
  type = object({
    ingest    = optional(object({ memory = optional(number, 256), timeout = optional(number, 900), tmp = optional(number, 512) }), {})
    clean     = optional(object({ memory = optional(number, 1024), timeout = optional(number, 300), tmp = optional(number, 2048) }), {})
    aggregate = optional(object({ memory = optional(number, 2048), timeout = optional(number, 900), tmp = optional(number, 4096) }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for f in values(var.functions) :
      f.memory >= 128 && f.memory <= 10240 && f.timeout >= 30 && f.timeout <= 900 && f.tmp >= 512 && f.tmp <= 10240 && alltrue([for n in values(f) : floor(n) == n])
    ])
    error_message = "Whole numbers: memory is 128 to 10240 MB, timeout 30 to 900 s (10 s of it are kept in reserve), /tmp 512 to 10240 MB."
  }

  validation {
    condition     = var.functions.clean.memory >= 256 && var.functions.aggregate.memory >= 512
    error_message = "The least memory is 256 MB for clean and 512 MB for aggregate."
  }
}

variable "irceline_url" {
  description = "Root of the IRCELINE API, if not the public one"
  type        = string
  default     = null

  validation {
    condition     = var.irceline_url == null || can(regex("^https?://.+/$", var.irceline_url))
    error_message = "A URL that starts with http:// or https:// and ends in a slash."
  }

  validation {
    condition     = var.irceline_url == null || can(regex("^https?://(\\[[0-9a-fA-F:.]+\\]|[^/:?#\\s]+)(:[0-9]+)?([/?#]|$)", var.irceline_url)) && alltrue([for port in try([tonumber(regex("^https?://[^/]*:([0-9]+)([/?#]|$)", var.irceline_url)[0])], []) : port >= 1 && port <= 65535])
    error_message = "After the host there is a slash, or a colon and a port from 1 to 65535; a user or password is no part of it."
  }
}

variable "illuminate_url" {
  description = "Root of the Illuminate API, like https://NAME.illuminateed.com/live/. Null: this source is not asked"
  type        = string
  default     = null

  validation {
    condition     = var.illuminate_url == null || can(regex("^https?://.+/$", var.illuminate_url))
    error_message = "A URL that starts with http:// or https:// and ends in a slash."
  }

  validation {
    condition     = var.illuminate_url == null || can(regex("^https?://(\\[[0-9a-fA-F:.]+\\]|[^/:?#\\s]+)(:[0-9]+)?([/?#]|$)", var.illuminate_url)) && alltrue([for port in try([tonumber(regex("^https?://[^/]*:([0-9]+)([/?#]|$)", var.illuminate_url)[0])], []) : port >= 1 && port <= 65535])
    error_message = "After the host there is a slash, or a colon and a port from 1 to 65535; a user or password is no part of it."
  }
}

variable "illuminate_secret" {
  description = "ARN of the secret in Secrets Manager with client_id and client_secret of Illuminate, as JSON. Made by hand: its value is in no plan or state"
  type        = string
  default     = null

  validation {
    condition     = var.illuminate_secret == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", var.illuminate_secret))
    error_message = "The ARN of a secret, like arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, with or without the six letters that AWS adds."
  }
}

variable "codetrack_url" {
  description = "Root of the Codetrack API. Null: this source is not asked"
  type        = string
  default     = null

  validation {
    condition     = var.codetrack_url == null || can(regex("^https?://.+", var.codetrack_url))
    error_message = "A URL that starts with http:// or https://."
  }

  validation {
    condition     = var.codetrack_url == null || can(regex("^https?://(\\[[0-9a-fA-F:.]+\\]|[^/:?#\\s]+)(:[0-9]+)?([/?#]|$)", var.codetrack_url)) && alltrue([for port in try([tonumber(regex("^https?://[^/]*:([0-9]+)([/?#]|$)", var.codetrack_url)[0])], []) : port >= 1 && port <= 65535])
    error_message = "After the host there is a slash, or a colon and a port from 1 to 65535; a user or password is no part of it."
  }
}

variable "personal_key_secret" {
  description = "ARN of the secret in Secrets Manager whose text is the key of the hashes that models with hash_personal have. Null: there is none"
  type        = string
  default     = null

  validation {
    condition     = var.personal_key_secret == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", var.personal_key_secret))
    error_message = "The ARN of a secret, like arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, with or without the six letters that AWS adds."
  }
}

variable "secrets_kms_key" {
  description = "ARN of the KMS key that encrypts the secrets above, if it is not AWS's own: the functions that read them get kms:Decrypt on it"
  type        = string
  default     = null

  validation {
    condition     = var.secrets_kms_key == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.secrets_kms_key))
    error_message = "The ARN of a key (not of an alias), which starts with arn:aws:kms: and has :key/."
  }
}

variable "datasets" {
  description = "Built-in datasets that this lake is for: they get tables in Athena, alarms and graphs. Null: all"
  type        = list(string)
  default     = null

  validation {
    condition     = length(setsubtract(coalesce(var.datasets, []), keys(local.built_in))) == 0
    error_message = "Built-in datasets are ${join(", ", keys(local.built_in))}."
  }
}

variable "own_datasets_file" {
  description = "JSON file with the datasets of the lake's own config/datasets/, as `tributary dataset export-terraform` writes it (README.md has the format): they get tables, alarms and graphs like the built-in ones"
  type        = string
  default     = null

  validation {
    condition     = var.own_datasets_file == null || try(fileexists(var.own_datasets_file), false)
    error_message = "There is no such file (paths are relative to where terraform runs)."
  }
}

variable "own_datasets" {
  description = "Names of datasets that only the lake's config/datasets/ declares, where there is no own_datasets_file: they get alarms and graphs, but no tables"
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.own_datasets : can(regex("^[a-z][a-z0-9_]*$", name))])
    error_message = "Names of small letters, digits and _."
  }
}

variable "daily_since" {
  description = "First day that Athena looks for in tables with a partition per day, like 2026-01-01. Null: a query must name its days, as every day since then costs a request in a query that names none"
  type        = string
  default     = null

  validation {
    condition     = var.daily_since == null || can(formatdate("YYYY", "${var.daily_since}T00:00:00Z"))
    error_message = "A day like 2026-01-01."
  }
}

variable "function_versions" {
  description = "Versions that the functions' alias `live` points to, by function, to roll back: { clean = \"12\" }. What is left out is the newest"
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.function_versions), ["ingest", "clean", "aggregate"])) == 0 && alltrue([for v in values(var.function_versions) : can(regex("^[1-9][0-9]*$", v))])
    error_message = "Numbers of versions by function (ingest, clean, aggregate)."
  }
}

variable "log_level" {
  description = "Least level of what functions and jobs log. INFO is of this project only, with warnings of libraries; others are of both"
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "One of TRACE, DEBUG, INFO, WARN, ERROR."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept"
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "One of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653: what CloudWatch Logs knows."
  }
}

# When

variable "schedules" {
  description = "Per source: local times (HH:MM, in the dataset's time zone) of ingest and of the nightly aggregate; enabled = false stops both; when the newest data is older than quiet_days an alarm is raised (default: 2, or 7 for illuminate and codetrack, as schools and courses rest; 0: never)"
  type = map(object({
    ingest     = optional(string, "04:30")
    aggregate  = optional(string, "06:00")
    enabled    = optional(bool, true)
    quiet_days = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue(flatten([
      for s in values(var.schedules) : [for t in [s.ingest, s.aggregate] : can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", t))]
    ]))
    error_message = "Times are HH:MM, from 00:00 to 23:59."
  }

  validation {
    condition = alltrue(flatten([
      for s in values(var.schedules) : [for t in [s.ingest, s.aggregate] : !can(regex("^0[0-2]:", t))]
    ]))
    error_message = "Not between 00:00 and 03:00 local time: the day's last hour is not there yet, and clocks change then."
  }

  validation {
    condition     = alltrue([for s in values(var.schedules) : timecmp("2000-01-01T${s.ingest}:00Z", "2000-01-01T${s.aggregate}:00Z") < 0 if can(timecmp("2000-01-01T${s.ingest}:00Z", "2000-01-01T${s.aggregate}:00Z"))])
    error_message = "Aggregate comes after ingest, on the same day."
  }

  validation {
    condition     = alltrue([for s in values(var.schedules) : s.quiet_days == null ? true : s.quiet_days >= 0 && s.quiet_days <= 366 && floor(s.quiet_days) == s.quiet_days])
    error_message = "quiet_days: 0 to 366 whole days; 0 switches the alarm off."
  }

  validation {
    condition     = length(setsubtract(keys(var.schedules), local.sources)) == 0
    error_message = "Only sources have schedules: ${join(", ", local.sources)}."
  }
}

variable "sweep" {
  description = "Twice a day, at this hour and twelve hours later, clean looks for raw objects whose event was lost and reports the age of the newest data, and half an hour later aggregate looks for stale partitions: of all datasets, own ones too. enabled = false stops it, and with it the alarms on the age of data"
  type = object({
    hour      = optional(number, 7)
    time_zone = optional(string, "UTC")
    enabled   = optional(bool, true)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(range(3, 12), var.sweep.hour)
    error_message = "hour: 3 to 11, as clocks change before, and the second sweep is twelve hours later."
  }

  validation {
    condition     = can(regex("^(UTC|(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(/[A-Z][A-Za-z0-9_+-]*){1,2})$", var.sweep.time_zone))
    error_message = "time_zone is UTC or like Europe/Brussels."
  }
}

variable "fresh" {
  description = "Uploads and own datasets whose newest data is watched as well: { energy_usage = { table = \"reading\", quiet_days = 3 } }. For a source only `table` counts, if it is to be another one; its quiet_days are in schedules"
  type = map(object({
    table      = string
    quiet_days = optional(number, 2)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for f in values(var.fresh) : f.quiet_days >= 0 && f.quiet_days <= 366 && floor(f.quiet_days) == f.quiet_days])
    error_message = "quiet_days: 0 to 366 whole days; 0 switches the alarm off."
  }

  # Of a dataset that own_datasets only names, no tables are known.
  validation {
    condition = alltrue([
      for dataset, f in var.fresh : contains(local.dataset_names, dataset) && (!contains(keys(local.datasets), dataset) || contains(keys(try(local.datasets[dataset].tables, {})), f.table))
    ])
    error_message = "Each dataset is one of ${join(", ", local.dataset_names)} (others by own_datasets_file), and its table one of its tables: no report comes of others, and the alarm would never be silent."
  }
}

variable "holidays" {
  description = "When no new data is expected, by dataset: months (1 to 12) of every year, and days of holidays (to included). The alarm on the age of data is silent then and for quiet_days after: { codetrack = { months = [7, 8], days = [{ from = \"2026-12-21\", to = \"2027-01-03\" }] } }"
  type = map(object({
    months = optional(list(number), [])
    days   = optional(list(object({ from = string, to = string })), [])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue(flatten([for h in values(var.holidays) : [for month in h.months : contains(range(1, 13), month)]]))
    error_message = "Months are 1 to 12."
  }

  validation {
    condition     = alltrue(flatten([for h in values(var.holidays) : [for d in h.days : try(timecmp("${d.from}T00:00:00Z", "${d.to}T00:00:00Z") <= 0, false)]]))
    error_message = "Days are like 2026-12-21, and from is not after to."
  }

  validation {
    condition     = length(setsubtract(keys(var.holidays), local.dataset_names)) == 0
    error_message = "Each dataset is one of ${join(", ", local.dataset_names)} (others by own_datasets_file or own_datasets)."
  }
}

variable "aggregate_delay_seconds" {
  description = "How long news of cleaned objects is gathered before one aggregate run takes all of it"
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.aggregate_delay_seconds >= 1 && var.aggregate_delay_seconds <= 300 && floor(var.aggregate_delay_seconds) == var.aggregate_delay_seconds
    error_message = "1 to 300 whole seconds."
  }
}

variable "clean_concurrency" {
  description = "How many clean functions run at once at most"
  type        = number
  default     = 4
  nullable    = false

  validation {
    condition     = var.clean_concurrency >= 2 && var.clean_concurrency <= 1000 && floor(var.clean_concurrency) == var.clean_concurrency
    error_message = "2 to 1000, a whole number: the least and most that an event source mapping takes."
  }
}

variable "retry_after_seconds" {
  description = "How long a message that failed, or is being worked on, stays hidden. Null: six times the function's timeout, as AWS advises"
  type        = number
  default     = null

  validation {
    condition     = var.retry_after_seconds == null || try(var.retry_after_seconds >= 1 && var.retry_after_seconds <= 43200 && floor(var.retry_after_seconds) == var.retry_after_seconds, false)
    error_message = "1 to 43200 whole seconds."
  }

  validation {
    condition     = var.retry_after_seconds == null || var.emulator || try(var.retry_after_seconds >= max(var.functions.clean.timeout, var.functions.aggregate.timeout), false)
    error_message = "At least the timeout of clean and of aggregate (variable functions): Lambda refuses a queue whose messages come back while the function may still be at work."
  }
}

# Batch

variable "batch" {
  description = "Whether there is AWS Batch for what is too large for a function. false: no job, no image, no network; a window or object that is too large then fails with its reason"
  type        = bool
  default     = true
  nullable    = false
}

variable "image_tag" {
  description = "Tag of the job image in the ECR repository. Tags are immutable: a new image has a new tag"
  type        = string
  default     = "0.2.0"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag)) && var.image_tag != "latest"
    error_message = "A tag of letters, digits, '_', '.' and '-', and not latest."
  }
}

variable "job" {
  description = "vCPUs, memory in MB, disk in GB, attempts and seconds per attempt of a Batch job, and vCPUs that run at once"
  type = object({
    vcpu            = optional(number, 2)
    memory          = optional(number, 8192)
    disk            = optional(number, 50)
    attempts        = optional(number, 3)
    timeout_seconds = optional(number, 14400)
    max_vcpus       = optional(number, 16)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains([0.25, 0.5, 1, 2, 4, 8, 16], var.job.vcpu) && var.job.max_vcpus >= var.job.vcpu && floor(var.job.max_vcpus) == var.job.max_vcpus
    error_message = "Fargate has 0.25, 0.5, 1, 2, 4, 8 or 16 vCPUs, and max_vcpus, a whole number, must have room for one job."
  }

  validation {
    condition = contains(lookup({
      "0.25" = [512, 1024, 2048]
      "0.5"  = [for gb in range(1, 5) : 1024 * gb]
      "1"    = [for gb in range(2, 9) : 1024 * gb]
      "2"    = [for gb in range(4, 17) : 1024 * gb]
      "4"    = [for gb in range(8, 31) : 1024 * gb]
      "8"    = [for step in range(4, 16) : 4096 * step]
      "16"   = [for step in range(4, 16) : 8192 * step]
    }, tostring(var.job.vcpu), []), var.job.memory)
    error_message = "Fargate takes these MB of memory: 512, 1024 or 2048 with 0.25 vCPU; whole GB, 1 to 4 with 0.5, 2 to 8 with 1, 4 to 16 with 2, 8 to 30 with 4; steps of 4 GB, 16 to 60, with 8; steps of 8 GB, 32 to 120, with 16."
  }

  validation {
    condition     = var.job.disk >= 21 && var.job.disk <= 200 && var.job.attempts >= 1 && var.job.attempts <= 10 && var.job.timeout_seconds >= 60 && alltrue([for n in [var.job.disk, var.job.attempts, var.job.timeout_seconds] : floor(n) == n])
    error_message = "Whole numbers: disk is 21 to 200 GB, attempts 1 to 10, timeout at least 60 s."
  }
}

variable "batch_above_bytes" {
  description = "Input above which a function hands its work to Batch"
  type        = number
  default     = 1073741824
  nullable    = false

  validation {
    condition     = var.batch_above_bytes >= 1 && floor(var.batch_above_bytes) == var.batch_above_bytes
    error_message = "A whole number of bytes."
  }
}

variable "batch_above_days" {
  description = "Window above which ingest hands its work to Batch"
  type        = number
  default     = 31
  nullable    = false

  validation {
    condition     = var.batch_above_days >= 1 && floor(var.batch_above_days) == var.batch_above_days
    error_message = "A whole number of days."
  }
}

# Storage

variable "raw_old_versions_days" {
  description = "Days that replaced and deleted raw objects can be had back"
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.raw_old_versions_days >= 1 && floor(var.raw_old_versions_days) == var.raw_old_versions_days
    error_message = "At least 1 whole day."
  }
}

variable "raw_cheaper_after_days" {
  description = "Age at which raw objects move to STANDARD_IA and to GLACIER_IR. Both are read at once, so a replay works at any age"
  type        = object({ standard_ia = number, glacier_ir = number })
  default     = { standard_ia = 60, glacier_ir = 180 }
  nullable    = false

  validation {
    condition     = var.raw_cheaper_after_days.standard_ia >= 30 && var.raw_cheaper_after_days.glacier_ir >= var.raw_cheaper_after_days.standard_ia + 30 && alltrue([for n in values(var.raw_cheaper_after_days) : floor(n) == n])
    error_message = "Whole days: S3 wants 30 days before STANDARD_IA, and 30 more before the next class."
  }
}

# Alarms

variable "alarm_email" {
  description = "Address that gets the alarms; it is asked to confirm. Null: subscribe to the topic by other means"
  type        = string
  default     = null

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@\\s]+@[^@\\s]+$", var.alarm_email))
    error_message = "An e-mail address."
  }
}

variable "slack" {
  description = "Channel of Slack that gets the alarms and messages by Amazon Q Developer in chat applications: { team = \"T0123ABCD\", channel = \"C0123ABCD\" }, the ids of the workspace and the channel. The workspace is allowed once by hand, in the console of Amazon Q. Null: no channel"
  type        = object({ team = string, channel = string })
  default     = null

  validation {
    condition     = var.slack == null || try(can(regex("^T[A-Z0-9]+$", var.slack.team)) && can(regex("^[CG][A-Z0-9]+$", var.slack.channel)), false)
    error_message = "team is the id of a workspace, like T0123ABCD, and channel that of a channel, like C0123ABCD: not their names."
  }
}

variable "digest" {
  description = "A message each week of how each dataset does: rows, rejects, age of the newest data, its page, and alarms that ring. {} is on Mondays at 8 UTC; pages is the root at which people open the pages of consumption, if not in the console: { day = \"FRI\", hour = 16, time_zone = \"Europe/Brussels\", pages = \"https://lake.example.org\" }. Null: no digest"
  type = object({
    day       = optional(string, "MON")
    hour      = optional(number, 8)
    time_zone = optional(string, "UTC")
    pages     = optional(string)
  })
  default = null

  validation {
    condition     = var.digest == null || try(contains(["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], var.digest.day) && contains(range(0, 24), var.digest.hour), false)
    error_message = "day is MON, TUE, WED, THU, FRI, SAT or SUN, and hour a whole number from 0 to 23."
  }

  validation {
    condition     = var.digest == null || can(regex("^(UTC|(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(/[A-Z][A-Za-z0-9_+-]*){1,2})$", var.digest.time_zone))
    error_message = "time_zone is UTC or like Europe/Brussels."
  }

  validation {
    condition     = try(var.digest.pages, null) == null || can(regex("^https://[^\\s\"'<>{}]+$", var.digest.pages))
    error_message = "pages is an address that begins with https://."
  }
}

variable "reject_share_percent" {
  description = "Share of rejected rows in an hour above which an alarm is raised"
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.reject_share_percent > 0 && var.reject_share_percent < 100
    error_message = "Between 0 and 100."
  }
}

variable "registered_partitions" {
  description = "Whether partitions are registered in the Glue Data Catalog beside the projection: Redshift Spectrum, EMR and Glue's Spark see no others"
  type        = bool
  default     = true
  nullable    = false
}

variable "dashboard" {
  description = "Whether there is a dashboard: 3 USD a month beyond the three that an account has for free"
  type        = bool
  default     = false
  nullable    = false
}

variable "oldest_message_minutes" {
  description = "Age of the oldest message of the queues of clean and aggregate above which an alarm is raised"
  type        = number
  default     = 240
  nullable    = false

  validation {
    condition     = var.oldest_message_minutes >= 5 && var.oldest_message_minutes <= 5000 && floor(var.oldest_message_minutes) == var.oldest_message_minutes
    error_message = "5 to 5000 whole minutes: a message is lost after 5760 (4 days)."
  }
}
