variable "region" {
  description = "AWS region of everything"
  type        = string
  default     = "eu-west-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region looks like eu-west-1."
  }
}

variable "name_prefix" {
  description = "First part of every name. One deployment per account and prefix"
  type        = string
  default     = "tributary"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name_prefix)) && !strcontains(var.name_prefix, "--")
    error_message = "3 to 20 of a-z, 0-9 and single hyphens, with a letter first and no hyphen last (bucket names are made of it)."
  }
}

variable "tags" {
  description = "More tags for everything"
  type        = map(string)
  default     = {}
}

variable "force_destroy" {
  description = "Let destroy delete buckets, results and images that are not empty"
  type        = bool
  default     = false
}

# Functions

variable "packages_dir" {
  description = "Folder with ingest.zip, clean.zip and aggregate.zip, as `make package` leaves them. Default: target/lambda of this checkout"
  type        = string
  default     = null
}

variable "architecture" {
  description = "Architecture of the function packages and the Batch image"
  type        = string
  default     = "arm64"

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
  default = {}

  validation {
    condition = alltrue([
      for f in values(var.functions) :
      f.memory >= 128 && f.memory <= 10240 && f.timeout >= 30 && f.timeout <= 900 && f.tmp >= 512 && f.tmp <= 10240
    ])
    error_message = "Memory is 128 to 10240 MB, timeout 30 to 900 s (10 s of it are kept in reserve), /tmp 512 to 10240 MB."
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
}

variable "illuminate_url" {
  description = "Root of the Illuminate API, like https://NAME.illuminateed.com/live/. Null: this source is not asked"
  type        = string
  default     = null

  validation {
    condition     = var.illuminate_url == null || can(regex("^https?://.+/$", var.illuminate_url))
    error_message = "A URL that starts with http:// or https:// and ends in a slash."
  }
}

variable "illuminate_secret" {
  description = "ARN of the secret in Secrets Manager with client_id and client_secret of Illuminate, as JSON. Made by hand: its value is in no plan or state"
  type        = string
  default     = null

  validation {
    condition     = var.illuminate_secret == null || can(regex("^arn:[a-z-]+:secretsmanager:", var.illuminate_secret))
    error_message = "The ARN of a secret, which starts with arn:aws:secretsmanager:."
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
}

variable "personal_key_secret" {
  description = "ARN of the secret in Secrets Manager whose text is the key of the hashes that models with hash_personal have. Null: there is none"
  type        = string
  default     = null

  validation {
    condition     = var.personal_key_secret == null || can(regex("^arn:[a-z-]+:secretsmanager:", var.personal_key_secret))
    error_message = "The ARN of a secret, which starts with arn:aws:secretsmanager:."
  }
}

variable "own_datasets" {
  description = "Datasets that only the lake's config/datasets/ declares: functions get the rights to their keys"
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.own_datasets : can(regex("^[a-z][a-z0-9_]*$", name))])
    error_message = "Names of small letters, digits and _."
  }
}

variable "log_level" {
  description = "Least level of what the functions log. INFO is of this project only, with warnings of libraries; others are of both"
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "One of TRACE, DEBUG, INFO, WARN, ERROR."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept"
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "One of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731: what CloudWatch Logs knows."
  }
}

# When

variable "schedules" {
  description = "Per source: local times (HH:MM, in the dataset's time zone) of ingest and of the nightly aggregate; enabled = false stops both; after quiet_days without a new row an alarm is raised (default: 2, or 7 for illuminate and codetrack, as schools and courses rest)"
  type = map(object({
    ingest     = optional(string, "04:30")
    aggregate  = optional(string, "06:00")
    enabled    = optional(bool, true)
    quiet_days = optional(number)
  }))
  default = {}

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
    condition     = alltrue([for s in values(var.schedules) : s.quiet_days == null ? true : contains(range(1, 8), s.quiet_days)])
    error_message = "quiet_days: 1 to 7 whole days, as CloudWatch looks back no further."
  }

  validation {
    condition     = length(setsubtract(keys(var.schedules), local.sources)) == 0
    error_message = "Only sources have schedules: ${join(", ", local.sources)}."
  }
}

variable "aggregate_delay_seconds" {
  description = "How long news of cleaned objects is gathered before one aggregate run takes all of it"
  type        = number
  default     = 60

  validation {
    condition     = var.aggregate_delay_seconds >= 1 && var.aggregate_delay_seconds <= 300
    error_message = "1 to 300 seconds."
  }
}

variable "clean_concurrency" {
  description = "How many clean functions run at once at most"
  type        = number
  default     = 4

  validation {
    condition     = var.clean_concurrency >= 2 && var.clean_concurrency <= 1000
    error_message = "2 to 1000: the least and most that an event source mapping takes."
  }
}

variable "retry_after_seconds" {
  description = "How long a message that failed, or is being worked on, stays hidden. Null: six times the function's timeout, as AWS advises; Lambda refuses less than one timeout, emulators do not"
  type        = number
  default     = null

  validation {
    condition     = var.retry_after_seconds == null || try(var.retry_after_seconds >= 1 && var.retry_after_seconds <= 43200, false)
    error_message = "1 to 43200 seconds."
  }
}

# Batch

variable "image_tag" {
  description = "Tag of the job image in the ECR repository. Tags are immutable: a new image has a new tag"
  type        = string
  default     = "0.1.0"

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
  default = {}

  validation {
    condition     = contains([0.25, 0.5, 1, 2, 4, 8, 16], var.job.vcpu) && var.job.max_vcpus >= var.job.vcpu
    error_message = "Fargate has 0.25, 0.5, 1, 2, 4, 8 or 16 vCPUs, and max_vcpus must have room for one job."
  }

  validation {
    condition     = var.job.disk >= 21 && var.job.disk <= 200 && var.job.attempts >= 1 && var.job.attempts <= 10 && var.job.timeout_seconds >= 60
    error_message = "Disk is 21 to 200 GB, attempts 1 to 10, timeout at least 60 s."
  }
}

variable "batch_above_bytes" {
  description = "Input above which a function hands its work to Batch"
  type        = number
  default     = 1073741824

  validation {
    condition     = var.batch_above_bytes >= 1 && floor(var.batch_above_bytes) == var.batch_above_bytes
    error_message = "A whole number of bytes."
  }
}

variable "batch_above_days" {
  description = "Window above which ingest hands its work to Batch"
  type        = number
  default     = 31

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

  validation {
    condition     = var.raw_old_versions_days >= 1
    error_message = "At least 1 day."
  }
}

variable "raw_cheaper_after_days" {
  description = "Age at which raw objects move to STANDARD_IA and to GLACIER_IR. Both are read at once, so a replay works at any age"
  type        = object({ standard_ia = number, glacier_ir = number })
  default     = { standard_ia = 60, glacier_ir = 180 }

  validation {
    condition     = var.raw_cheaper_after_days.standard_ia >= 30 && var.raw_cheaper_after_days.glacier_ir >= var.raw_cheaper_after_days.standard_ia + 30
    error_message = "S3 wants 30 days before STANDARD_IA, and 30 more before the next class."
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

variable "reject_share_percent" {
  description = "Share of rejected rows in an hour above which an alarm is raised"
  type        = number
  default     = 5

  validation {
    condition     = var.reject_share_percent > 0 && var.reject_share_percent < 100
    error_message = "Between 0 and 100."
  }
}
