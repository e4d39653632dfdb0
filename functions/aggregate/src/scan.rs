//! A table of the query engine over files that the ledger names: the values of their paths, their number of rows and
//! their order are known before one of them is opened. A listing table would find the files, but not how many rows they
//! have, and a join would hold its left side in memory, however large.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, ScalarValue, Statistics};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::listing::helpers::expr_applicable_for_cols;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::table_schema::TableSchemaBuilder;
use datafusion::datasource::{TableProvider, TableType, create_ordering};
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, SortExpr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use object_store::ObjectMeta;

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
    store: ObjectStoreUrl,
    in_file: SchemaRef,
    in_path: Vec<FieldRef>,
    /// Columns of the files, then those of their paths.
    columns: SchemaRef,
    files: Vec<PartitionedFile>,
    /// Of all files together, if they are known of each.
    rows: Option<usize>,
    orders: Vec<Vec<SortExpr>>,
}

impl Scan {
    /// A table over files of `store` whose columns are `in_file`, behind which come those of their paths. Its rows come in
    /// each of the `orders`.
    pub fn new(
        store: ObjectStoreUrl,
        in_file: SchemaRef,
        in_path: &[(String, DataType)],
        files: Vec<Listed>,
        orders: Vec<Vec<SortExpr>>,
    ) -> Self {
        let in_path: Vec<FieldRef> =
            in_path.iter().map(|(name, kind)| Arc::new(Field::new(name, kind.clone(), true))).collect();
        let schema = TableSchemaBuilder::new(Arc::clone(&in_file)).with_table_partition_cols(in_path.clone()).build();
        let rows = files.iter().map(|file| usize::try_from(file.rows?).ok()).sum();
        let file = |file: Listed| PartitionedFile::new_from_meta(file.meta).with_partition_values(file.in_path);
        let files = files.into_iter().map(file).collect();
        Self { store, in_file, in_path, columns: Arc::clone(schema.table_schema()), files, rows, orders }
    }

    /// The files of whose paths `filters` hold, as far as they speak of paths alone.
    fn files(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<PartitionedFile>> {
        let names: Vec<&str> = self.in_path.iter().map(|field| field.name().as_str()).collect();
        let of_path = filters.iter().filter(|filter| expr_applicable_for_cols(&names, filter));
        let Some(filter) = conjunction(of_path.cloned()) else { return Ok(self.files.clone()) };
        let schema = Arc::new(Schema::new(self.in_path.clone()));
        let column = |at| {
            ScalarValue::iter_to_array(self.files.iter().filter_map(|file| file.partition_values.get(at).cloned()))
        };
        let columns = (0..names.len()).map(column).collect::<Result<Vec<_>>>()?;
        let paths = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let filter = state.create_physical_expr(filter, &DFSchema::try_from(schema)?)?;
        let holds = filter.evaluate(&paths)?.into_array(self.files.len())?;
        let holds = holds.as_boolean().iter().map(|holds| holds == Some(true));
        Ok(self.files.iter().zip(holds).filter(|(_, holds)| *holds).map(|(file, _)| file.clone()).collect())
    }
}

#[async_trait]
impl TableProvider for Scan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns)
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
            let columns = match projection {
                Some(projection) => Arc::new(self.columns.project(projection)?),
                None => Arc::clone(&self.columns),
            };
            return Ok(Arc::new(EmptyExec::new(columns)));
        }
        let mut statistics = Statistics::new_unknown(&self.columns);
        if let Some(rows) = self.rows {
            // What is counted is counted in the files: one of them may be damaged.
            statistics.num_rows = Precision::Inexact(rows);
        }
        let format = ParquetFormat::default();
        let schema = TableSchemaBuilder::new(Arc::clone(&self.in_file)).with_table_partition_cols(self.in_path.clone());
        let source = format.file_source(schema.build());
        let config = FileScanConfigBuilder::new(self.store.clone(), source)
            .with_file_groups(FileGroup::new(files).split_files(state.config().target_partitions()))
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_output_ordering(create_ordering(&self.columns, &self.orders)?)
            .build();
        format.create_physical_plan(state, config).await
    }
}
