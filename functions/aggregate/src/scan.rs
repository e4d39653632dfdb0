//! A table of the query engine over files that the ledger names: the values of their paths, their number of rows and
//! their order are known before one of them is opened. A listing table would find the files, but not how many rows they
//! have, and a join would hold its left side in memory, however large.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, ScalarValue, Statistics, project_schema};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::listing::helpers::expr_applicable_for_cols;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::table_schema::{TableSchema, TableSchemaBuilder};
use datafusion::datasource::{TableProvider, TableType, create_ordering};
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, SortExpr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::ObjectMeta;

use crate::exact::ExactReads;

/// A file as the ledger knows it.
#[derive(Debug)]
pub struct Listed {
    pub meta: ObjectMeta,
    /// Values of its path, one for each of the table's columns that stand there.
    pub in_path: Vec<ScalarValue>,
    pub rows: Option<u64>,
}

/// Files as one table.
#[derive(Debug)]
pub struct Scan {
    reads: Arc<ExactReads>,
    store: ObjectStoreUrl,
    /// Columns of the files, then those of their paths.
    columns: TableSchema,
    files: Vec<PartitionedFile>,
    /// Of all files together, if they are known of each.
    rows: Option<usize>,
    orders: Vec<Vec<SortExpr>>,
}

impl Scan {
    /// The table `name` over files of `store` whose columns are `in_file`, behind which come those of their paths. Its rows come in
    /// each of the `orders`.
    pub fn new(
        name: &str,
        store: ObjectStoreUrl,
        in_file: SchemaRef,
        in_path: &[(String, DataType)],
        files: Vec<Listed>,
        orders: Vec<Vec<SortExpr>>,
    ) -> Self {
        let in_path: Vec<FieldRef> =
            in_path.iter().map(|(name, kind)| Arc::new(Field::new(name, kind.clone(), true))).collect();
        let columns = TableSchemaBuilder::new(in_file).with_table_partition_cols(in_path).build();
        let rows = files.iter().map(|file| usize::try_from(file.rows?).ok()).sum();
        let file = |file: Listed| PartitionedFile::new_from_meta(file.meta).with_partition_values(file.in_path);
        let reads = Arc::new(ExactReads { name: name.to_owned() });
        Self { reads, store, columns, files: files.into_iter().map(file).collect(), rows, orders }
    }

    /// The files of whose paths `filters` hold, as far as they speak of paths alone.
    fn files(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<PartitionedFile>> {
        let in_path = self.columns.table_partition_cols();
        let names: Vec<&str> = in_path.iter().map(|field| field.name().as_str()).collect();
        let of_path = filters.iter().filter(|filter| expr_applicable_for_cols(&names, filter));
        let Some(filter) = conjunction(of_path.cloned()).filter(|_| !self.files.is_empty()) else {
            return Ok(self.files.clone());
        };
        let schema = Arc::new(Schema::new(in_path.clone()));
        let column = |at| {
            ScalarValue::iter_to_array(self.files.iter().filter_map(|file| file.partition_values.get(at).cloned()))
        };
        let columns = (0..names.len()).map(column).collect::<Result<Vec<_>>>()?;
        // A condition may be a constant, and a table's paths without columns.
        let rows = RecordBatchOptions::new().with_row_count(Some(self.files.len()));
        let paths = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &rows)?;
        let filter = state.create_physical_expr(filter, &DFSchema::try_from(schema)?)?;
        let holds = filter.evaluate(&paths)?.into_array(self.files.len())?;
        let holds = holds.as_boolean().iter().map(|holds| holds == Some(true));
        Ok(self.files.iter().zip(holds).filter(|(_, holds)| *holds).map(|(file, _)| file.clone()).collect())
    }
}

#[async_trait]
impl TableProvider for Scan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.columns.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Files and parts of files are left out by them, single rows are not.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.files(state, filters)?;
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema(), projection)?)));
        }
        let mut statistics = Statistics::new_unknown(&self.schema());
        if let Some(rows) = self.rows {
            // What is counted is counted in the files: one of them may be damaged.
            statistics.num_rows = Precision::Inexact(rows);
        }
        let format = ParquetFormat::default();
        let source = format.file_source(self.columns.clone());
        let config = FileScanConfigBuilder::new(self.store.clone(), source)
            .with_file_groups(FileGroup::new(files).split_files(state.config().target_partitions()))
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_output_ordering(create_ordering(&self.schema(), &self.orders)?)
            .with_expr_adapter(Some(Arc::clone(&self.reads) as _))
            .build();
        format.create_physical_plan(state, config).await
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use datafusion::prelude::{SessionConfig, SessionContext, col, lit};

    use super::*;
    use crate::files::{CommittedFiles, Reads};

    /// Files of a table with one column, each with the value of its path and its number of rows. None of them is opened.
    fn scan(context: &SessionContext, name: &str, files: &[(Option<&str>, u64)]) -> Scan {
        let url = ObjectStoreUrl::parse(format!("lake://{name}/")).unwrap();
        let none = CommittedFiles::of_files(&Reads::default(), name, Vec::new()).unwrap();
        context.register_object_store(url.as_ref(), Arc::new(none));
        let listed = files.iter().enumerate().map(|(number, (day, rows))| Listed {
            meta: ObjectMeta {
                location: format!("{name}/{number}.parquet").into(),
                last_modified: DateTime::UNIX_EPOCH,
                size: 100,
                e_tag: None,
                version: None,
            },
            in_path: vec![ScalarValue::Utf8(day.map(str::to_owned))],
            rows: Some(*rows),
        });
        let in_file = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true)]));
        Scan::new(name, url, in_file, &[("day".to_owned(), DataType::Utf8)], listed.collect(), Vec::new())
    }

    #[test]
    fn files_are_left_out_by_what_their_paths_say() {
        let context = SessionContext::new();
        let table = scan(&context, "a", &[(Some("2026-11-19"), 1), (Some("2026-11-20"), 1), (None, 1)]);
        let kept = |filters: &[Expr]| -> Vec<String> {
            let files = table.files(&context.state(), filters).unwrap();
            files.iter().map(|file| file.path().filename().unwrap().to_owned()).collect()
        };
        let all = ["0.parquet", "1.parquet", "2.parquet"];
        assert_eq!(kept(&[]), all);
        assert_eq!(kept(&[col("id").eq(lit(1))]), all, "what stands in the files is not known");
        assert_eq!(kept(&[col("id").eq(lit(1)).or(col("day").eq(lit("x")))]), all);
        assert_eq!(kept(&[col("id").eq(lit(1)), col("day").eq(lit("2026-11-20"))]), ["1.parquet"]);
        assert_eq!(kept(&[col("day").is_null()]), ["2.parquet"]);
        assert_eq!(kept(&[col("day").gt(lit("2026")), col("day").lt(lit("2026-11-20"))]), ["0.parquet"]);
        assert!(kept(&[col("day").eq(lit("x"))]).is_empty());
        // As of EXISTS (SELECT ...) without a column of the row.
        assert_eq!(kept(&[lit(true)]), all);
        assert!(kept(&[lit(false)]).is_empty());
        assert!(scan(&context, "b", &[]).files(&context.state(), &[lit(true)]).unwrap().is_empty());
        let mut without_path = scan(&context, "c", &[(None, 1), (None, 1)]);
        without_path.columns = TableSchemaBuilder::new(Arc::clone(without_path.columns.file_schema())).build();
        assert_eq!(without_path.files(&context.state(), &[lit(true)]).unwrap().len(), 2);
    }

    #[tokio::test]
    async fn joins_hold_the_side_with_fewer_rows() {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        for (name, rows) in [("many", 1_000_000), ("few", 10)] {
            let table = scan(&context, name, &[(None, rows)]);
            context.register_table(name, Arc::new(table)).unwrap();
        }
        for (sql, held) in [
            ("SELECT * FROM many LEFT JOIN few ON few.id = many.id", "Right"),
            ("SELECT * FROM few LEFT JOIN many ON few.id = many.id", "Left"),
        ] {
            let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            let plan = datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string();
            assert!(plan.contains(&format!("join_type={held},")), "{sql}: {plan}");
        }
    }
}
