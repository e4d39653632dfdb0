# Athena sees every table and model at once, and new partitions without a crawler: their names follow from the date.

#
# Glue makes names small letters: they are so here already, or every plan would change them back.

locals {
  glue_database = replace(var.name_prefix, "-", "_")

  glue_type = { string = "string", int32 = "int", int64 = "bigint", float64 = "double", bool = "boolean", date = "date", timestamp = "timestamp" }

  # How Athena finds the values of a partition column without a crawler, by the columns of the partition.
  projection = {
    date = merge(
      { type = var.daily_since == null ? "injected" : "date" },
      var.daily_since == null ? {} : { format = "yyyy-MM-dd", range = "${var.daily_since},NOW+1DAYS", interval = "1", "interval.unit" = "DAYS" },
    )
    week  = { type = "date", format = "yyyy-MM-dd", range = "2000-01-03,NOW+7DAYS", interval = "7", "interval.unit" = "DAYS" } # from a Monday
    month = { type = "date", format = "yyyy-MM", range = "1970-01,NOW+12MONTHS", interval = "1", "interval.unit" = "MONTHS" }
    # Calendar years, and school years
    year = { type = "enum", values = join(",", concat(
      [for year in range(1970, 2100) : tostring(year)],
      [for year in range(70, 170) : format("%02d-%02d", year % 100, (year + 1) % 100)],
    )) }
    "year,month" = { # a calendar month in two columns
      year  = { type = "integer", range = "1970,2100" }
      month = { type = "integer", range = "1,12" }
    }
    other = { type = "injected" } # values that follow from no rule: a query must name one
  }

  glue_tables = merge(flatten([
    for dataset, spec in local.datasets : [
      for zone, tables in { standard = spec.tables, consumption = spec.models } : {
        for name, table in tables : lower("${dataset}_${name}") => {
          zone     = zone
          location = "s3://${local.bucket_name[zone]}/${dataset}/${name}"
          columns  = table.columns
          order    = table.partition
          partition = {
            for column in table.partition : column => (
              length(table.partition) > 1 ?
              lookup(local.projection["year,month"], column, local.projection.other) :
              lookup(local.projection, column, local.projection.other)
            )
          }
          injected = [
            for column in table.partition : column if(
              length(table.partition) > 1 ?
              lookup(local.projection["year,month"], column, local.projection.other) :
              lookup(local.projection, column, local.projection.other)
            ).type == "injected"
          ]
          path = join("", [for column in table.partition : "${column}=$${${lower(column)}}/"])
        }
      }
    ]
  ])...)
}

# Two tables of different datasets may have one name there: trams' table s_x and trams_s' table x.
locals {
  glue_owners = {
    for found in flatten([
      for dataset, spec in local.datasets : [
        for kind, tables in { table = spec.tables, model = spec.models } : [for name in keys(tables) : { glue = lower("${dataset}_${name}"), of = "${kind} ${name} of ${dataset}" }]
      ]
    ]) : found.glue => found.of...
  }
  glue_twice = [for glue, owners in local.glue_owners : "${glue} (${join(", ", owners)})" if length(owners) > 1]
}

resource "aws_glue_catalog_database" "lake" {
  name        = local.glue_database
  description = "Tables (DATASET_TABLE, one row per delivery: newest received_at per key wins) and models (DATASET_MODEL) of the lake"
  tags        = local.tags

  lifecycle {
    precondition {
      condition     = length(local.glue_twice) == 0
      error_message = "Athena knows a table as DATASET_TABLE in small letters, and these names would be of several: ${join("; ", local.glue_twice)}. Rename one of each."
    }
  }
}

resource "aws_glue_catalog_table" "lake" {
  for_each = local.glue_tables

  database_name = aws_glue_catalog_database.lake.name
  name          = each.key
  table_type    = "EXTERNAL_TABLE"

  description = length(each.value.injected) == 0 ? null : join(" ", [
    "A query names", join(" and ", [for column in each.value.injected : "\"${column}\""]), "with = or IN, as it stands in the object's key",
    "(percent-encoded: ${each.value.injected[0]} = 'a%20b' for the value a b)",
  ])

  parameters = merge(
    { EXTERNAL = "TRUE", classification = "parquet" },
    length(each.value.partition) == 0 ? {} : {
      "projection.enabled"        = "true"
      "storage.location.template" = "${each.value.location}/${each.value.path}"
    },
    [
      for column, projection in each.value.partition : {
        for option, value in projection : "projection.${lower(column)}.${option}" => value if value != null
      }
    ]...
  )

  dynamic "partition_keys" {
    for_each = each.value.order
    content {
      name = lower(partition_keys.value)
      type = "string"
    }
  }

  storage_descriptor {
    location      = "${each.value.location}/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
      parameters            = { "serialization.format" = "1" }
    }

    dynamic "columns" {
      for_each = each.value.columns
      content {
        name = lower(columns.value[0])
        type = local.glue_type[columns.value[1]]
      }
    }
  }
}

locals {
  scanned_at_most = 107374182400 # bytes, 100 GiB: a slip of the pen costs at most half a dollar
}

resource "aws_athena_workgroup" "lake" {
  name          = var.name_prefix
  force_destroy = var.force_destroy
  tags          = local.tags

  configuration {
    enforce_workgroup_configuration = true
    bytes_scanned_cutoff_per_query  = local.scanned_at_most

    result_configuration {
      output_location = "s3://${local.bucket_name.athena}/"

      encryption_configuration {
        encryption_option = var.kms_key == null ? "SSE_S3" : "SSE_KMS"
        kms_key_arn       = var.kms_key
      }
    }
  }
}
