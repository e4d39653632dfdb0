# Athena sees every table and model at once, and new partitions without a crawler: their names follow from the date.

locals {
  glue_type = { string = "string", int64 = "bigint", float64 = "double", bool = "boolean", date = "date", timestamp = "timestamp" }

  projection = {
    date  = { format = "yyyy-MM-dd", range = "2000-01-01,NOW+1DAYS", unit = "DAYS" }
    month = { format = "yyyy-MM", range = "2000-01,NOW+1MONTHS", unit = "MONTHS" }
  }

  glue_tables = merge(flatten([
    for dataset, spec in local.datasets : [
      for zone, tables in { standard = spec.tables, consumption = spec.models } : {
        for name, table in tables : "${dataset}_${name}" => {
          location  = "s3://${local.bucket_name[zone]}/${dataset}/${name}"
          partition = table.partition
          columns   = table.columns
        }
      }
    ]
  ])...)
}

resource "aws_glue_catalog_database" "lake" {
  name        = replace(var.name_prefix, "-", "_")
  description = "Tables (DATASET_TABLE, one row per delivery: newest received_at per key wins) and models (DATASET_MODEL) of the lake"
}

resource "aws_glue_catalog_table" "lake" {
  for_each = local.glue_tables

  database_name = aws_glue_catalog_database.lake.name
  name          = each.key
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                                           = "TRUE"
    classification                                     = "parquet"
    "projection.enabled"                               = "true"
    "projection.${each.value.partition}.type"          = "date"
    "projection.${each.value.partition}.format"        = local.projection[each.value.partition].format
    "projection.${each.value.partition}.range"         = local.projection[each.value.partition].range
    "projection.${each.value.partition}.interval"      = "1"
    "projection.${each.value.partition}.interval.unit" = local.projection[each.value.partition].unit
    "storage.location.template"                        = "${each.value.location}/${each.value.partition}=$${${each.value.partition}}/"
  }

  partition_keys {
    name = each.value.partition
    type = "string"
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
        name = columns.value[0]
        type = local.glue_type[columns.value[1]]
      }
    }
  }
}

resource "aws_athena_workgroup" "lake" {
  name          = var.name_prefix
  force_destroy = var.force_destroy

  configuration {
    enforce_workgroup_configuration = true
    bytes_scanned_cutoff_per_query  = 107374182400 # 100 GiB: a slip of the pen costs at most half a dollar

    result_configuration {
      output_location = "s3://${local.bucket_name.athena}/"

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}
