//! Parts that a query reads more than once are made once.
//!
//! The engine puts what stands behind WITH, and a table or view that is read several times, wherever it is read: the work is
//! done as often, and `random()` gives each place another value. Here each such part is one table, which is made when the
//! first of its readers asks, and kept until the last is done: in memory while it is small, else in a temporary file. Parts
//! that only pick rows and columns of one table are left where they are read: there the reader's conditions decide which
//! files are opened.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Statistics, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::{TableProvider, TableType, provider_as_source, source_as_provider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionState;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::spill_file::SpillFile;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SubqueryAlias};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::spill::get_record_batch_memory_size;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties, SpillManager,
    execute_stream,
};
use futures::future::{BoxFuture, Shared};
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};

use crate::error::of_engine;

/// What one part holds in memory before it goes on in a temporary file, in bytes.
const IN_MEMORY: usize = 16 * 1024 * 1024;

/// Plans a query so that what it reads more than once is made once.
pub async fn planned(query: DataFrame) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>)> {
    let context = Arc::new(query.task_ctx());
    let (state, plan) = query.into_parts();
    let counts = Counts::of(&plan)?;
    if !counts.has_several() {
        return Ok((state.create_physical_plan(&plan).await.map_err(of_engine)?, context));
    }
    let planned = match shared(&state, &plan, &counts).await {
        Ok(planned) => planned,
        // What is wrong with the query is said of it as it was written.
        Err(_) => state.create_physical_plan(&plan).await.map_err(of_engine)?,
    };
    Ok((planned, context))
}

/// Runs a query and returns its rows.
pub async fn collect(query: DataFrame) -> Result<Vec<RecordBatch>> {
    let (plan, context) = planned(query).await?;
    execute_stream(plan, context)?.try_collect().await
}

async fn shared(state: &SessionState, plan: &LogicalPlan, counts: &Counts) -> Result<Arc<dyn ExecutionPlan>> {
    let mut parts = Parts { state, counts, made: Vec::new(), by_plan: HashMap::new() };
    let plan = parts.replace(plan.clone())?;
    let plan = state.optimize(&plan)?;
    note_readers(&plan)?;
    // A part stands behind those that it reads: readers are seen first, and what is read is planned first.
    let mut optimized = Vec::new();
    for part in parts.made.iter().rev() {
        let inner = state.optimize(&part.pruned()?)?;
        note_readers(&inner)?;
        optimized.push((part, inner));
    }
    let planner = state.query_planner();
    for (part, inner) in optimized.into_iter().rev() {
        if part.is_read() {
            let _ = part.plan.set(planner.create_physical_plan(&inner, state).await?);
        }
    }
    planner.create_physical_plan(&plan, state).await
}

/// What a part is known by: what it says, and of one that gives other values each time its name as well.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    says: LogicalPlan,
    name: Option<TableReference>,
}

/// A part behind its names.
struct Named<'a> {
    plan: &'a LogicalPlan,
    /// The name that it was given first.
    name: &'a TableReference,
}

impl<'a> Named<'a> {
    fn of(alias: &'a SubqueryAlias) -> Self {
        let (mut plan, mut name) = (alias.input.as_ref(), &alias.alias);
        while let LogicalPlan::SubqueryAlias(inner) = plan {
            (plan, name) = (inner.input.as_ref(), &inner.alias);
        }
        Self { plan, name }
    }

    fn key(&self) -> Result<Key> {
        let name = is_volatile(self.plan)?.then(|| self.name.clone());
        Ok(Key { says: self.plan.clone(), name })
    }
}

/// How often the parts of a query are read, those that are worth to be kept.
#[derive(Default)]
struct Counts {
    of: HashMap<Key, Count>,
    /// The names of those that are read more than once: parts of other names are not looked up, which takes all of their plan.
    several: HashSet<TableReference>,
}

#[derive(Default)]
struct Count {
    readers: usize,
    names: HashSet<TableReference>,
}

impl Counts {
    fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut counts = Self::default();
        counts.add(plan)?;
        let several = counts.of.values().filter(|count| count.readers > 1);
        counts.several = several.flat_map(|count| &count.names).cloned().collect();
        Ok(counts)
    }

    fn add(&mut self, plan: &LogicalPlan) -> Result<()> {
        plan.apply_with_subqueries(|node| {
            Ok(match node {
                // What the step of a recursion reads changes with each step.
                LogicalPlan::RecursiveQuery(_) => TreeNodeRecursion::Jump,
                LogicalPlan::SubqueryAlias(alias) if is_worth(Named::of(alias).plan)? => {
                    let part = Named::of(alias);
                    let count = self.of.entry(part.key()?).or_default();
                    count.readers += 1;
                    count.names.insert(part.name.clone());
                    // What stands within is read once, however often the part is.
                    if count.readers == 1 {
                        self.add(part.plan)?;
                    }
                    TreeNodeRecursion::Jump
                }
                _ => TreeNodeRecursion::Continue,
            })
        })?;
        Ok(())
    }

    fn has_several(&self) -> bool {
        !self.several.is_empty()
    }
}

/// Whether there is more to a part than picking rows and columns, and it stands for itself.
fn is_worth(plan: &LogicalPlan) -> Result<bool> {
    let (mut has_work, mut is_alone) = (false, true);
    plan.apply_with_subqueries(|node| {
        has_work |= matches!(
            node,
            LogicalPlan::Aggregate(_)
                | LogicalPlan::Window(_)
                | LogicalPlan::Distinct(_)
                | LogicalPlan::Join(_)
                | LogicalPlan::Limit(_)
                | LogicalPlan::Subquery(_)
                | LogicalPlan::RecursiveQuery(_)
        );
        is_alone &= !node.contains_outer_reference();
        Ok(if is_alone { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(is_alone && (has_work || is_volatile(plan)?))
}

fn is_volatile(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            found |= expression.is_volatile();
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    })?;
    Ok(found)
}

/// The parts of a query that become tables.
struct Parts<'a> {
    state: &'a SessionState,
    counts: &'a Counts,
    /// Each stands behind those that it reads.
    made: Vec<Arc<Part>>,
    by_plan: HashMap<Key, Arc<Part>>,
}

impl Parts<'_> {
    /// A plan that reads tables in place of its parts.
    fn replace(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let replaced = plan.transform_down_with_subqueries(|node| {
            let LogicalPlan::SubqueryAlias(alias) = &node else {
                let is_recursion = matches!(node, LogicalPlan::RecursiveQuery(_));
                let go = if is_recursion { TreeNodeRecursion::Jump } else { TreeNodeRecursion::Continue };
                return Ok(Transformed::new(node, false, go));
            };
            let named = Named::of(alias);
            if !self.counts.several.contains(named.name) || !is_worth(named.plan)? {
                return Ok(Transformed::no(node));
            }
            let key = named.key()?;
            if self.counts.of.get(&key).is_none_or(|count| count.readers < 2) {
                return Ok(Transformed::no(node));
            }
            let part = match self.by_plan.get(&key) {
                Some(part) => Arc::clone(part),
                None => self.part(key, &named)?,
            };
            let name = part.name.clone();
            let table = LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(PartTable(part))), None)?;
            Ok(Transformed::new(table.alias(alias.alias.clone())?.build()?, true, TreeNodeRecursion::Jump))
        })?;
        Ok(replaced.data)
    }

    fn part(&mut self, key: Key, named: &Named<'_>) -> Result<Arc<Part>> {
        let inner = self.replace(named.plan.clone())?;
        let options = self.state.config_options();
        let inner = self.state.analyzer().execute_and_check(inner, options, |_, _| {})?;
        let part = Arc::new(Part {
            // The number keeps parts of one name apart.
            name: format!("{}, made once ({})", named.name.table(), self.made.len() + 1),
            schema: Arc::new(inner.schema().as_arrow().clone()),
            inner,
            needed: Mutex::default(),
            plan: OnceLock::new(),
            rows: OnceLock::new(),
        });
        self.by_plan.insert(key, Arc::clone(&part));
        self.made.push(Arc::clone(&part));
        Ok(part)
    }
}

/// Notes which columns of parts a plan reads.
fn note_readers(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Ok(table) = source_as_provider(&scan.source)
            && let Some(part) = table.downcast_ref::<PartTable>().map(|table| &table.0)
        {
            let mut needed = part.needed.lock().unwrap_or_else(PoisonError::into_inner);
            let all = 0..part.schema.fields().len();
            let columns: Vec<usize> = scan.projection.clone().unwrap_or_else(|| all.collect());
            let needed = needed.get_or_insert_default();
            needed.extend(columns);
            needed.sort_unstable();
            needed.dedup();
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Rows that are being made, for all who wait for them.
type Making = Shared<BoxFuture<'static, Result<Arc<Rows>, Arc<DataFusionError>>>>;

/// A part of a query, as a table.
struct Part {
    name: String,
    inner: LogicalPlan,
    schema: SchemaRef,
    /// The columns that are read, ascending; `None` as long as nobody reads it.
    needed: Mutex<Option<Vec<usize>>>,
    /// How it is made, with the columns that are read.
    plan: OnceLock<Arc<dyn ExecutionPlan>>,
    rows: OnceLock<Making>,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Part {
    fn needed(&self) -> Vec<usize> {
        self.needed.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    fn is_read(&self) -> bool {
        self.needed.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The part with the columns that are read; at least one, which tells how many rows there are.
    fn pruned(&self) -> Result<LogicalPlan> {
        {
            let mut needed = self.needed.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(needed) = needed.as_mut().filter(|needed| needed.is_empty()) {
                needed.push(0);
            }
        }
        let columns = self.inner.schema().columns();
        let needed = self.needed();
        if needed.is_empty() || needed.len() == columns.len() {
            return Ok(self.inner.clone());
        }
        let needed = needed.iter().filter_map(|place| columns.get(*place).cloned().map(Expr::Column));
        LogicalPlanBuilder::from(self.inner.clone()).project(needed)?.build()
    }

    /// The rows, made by the first who asks.
    fn rows(&self, context: &Arc<TaskContext>) -> Making {
        let making = self.rows.get_or_init(|| {
            let (plan, context, name) = (self.plan.get().cloned(), Arc::clone(context), self.name.clone());
            // A task of its own: a reader that waits for another reader does not keep it from being made. It ends with the
            // last reader.
            let task = SpawnedTask::spawn(async move {
                let plan = plan.ok_or_else(|| DataFusionError::Internal(format!("{name} has no plan")))?;
                Rows::of(&name, plan, context).await
            });
            let done = async move {
                let broken_off =
                    |_| DataFusionError::Plan("the query engine broke off: see the message above".to_owned());
                task.join().await.map_err(broken_off).flatten().map(Arc::new).map_err(Arc::new)
            };
            done.boxed().shared()
        });
        making.clone()
    }
}

/// The table that a part's readers see.
#[derive(Debug)]
struct PartTable(Arc<Part>);

#[async_trait]
impl TableProvider for PartTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _: &dyn Session,
        columns: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let odd = |what: &str| DataFusionError::Internal(format!("{}: {what}", self.0.name));
        let made = self.0.plan.get().ok_or_else(|| odd("it has no plan"))?;
        let reader = Arc::new(Reader::new(Arc::clone(&self.0), made)?);
        let needed = self.0.needed();
        let all: Vec<usize> = (0..self.0.schema.fields().len()).collect();
        let columns = columns.unwrap_or(&all);
        if *columns == needed {
            return Ok(reader);
        }
        let schema = made.schema();
        let shown = columns.iter().map(|column| {
            let place = needed.binary_search(column).map_err(|_| odd("a column is not noted as read"))?;
            let name = schema.field(place).name();
            Ok((Arc::new(Column::new(name, place)) as Arc<dyn PhysicalExpr>, name.clone()))
        });
        Ok(Arc::new(ProjectionExec::try_new(shown.collect::<Result<Vec<_>>>()?, reader)?))
    }
}

/// Reads a part.
#[derive(Debug)]
struct Reader {
    part: Arc<Part>,
    properties: Arc<PlanProperties>,
    statistics: Arc<Statistics>,
}

impl Reader {
    fn new(part: Arc<Part>, made: &Arc<dyn ExecutionPlan>) -> Result<Self> {
        let schema = made.schema();
        let is_one = made.properties().partitioning.partition_count() == 1;
        let order = made.properties().output_ordering().filter(|_| is_one).cloned();
        let order = EquivalenceProperties::new_with_orderings(Arc::clone(&schema), order);
        let one = Partitioning::UnknownPartitioning(1);
        let properties = PlanProperties::new(order, one, EmissionType::Incremental, Boundedness::Bounded);
        let of_made = StatisticsContext::new().compute(made.as_ref(), &StatisticsArgs::new())?;
        let statistics = Statistics { num_rows: of_made.num_rows, ..Statistics::new_unknown(&schema) };
        Ok(Self { part, properties: Arc::new(properties), statistics: Arc::new(statistics) })
    }
}

impl DisplayAs for Reader {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader: {}", self.part.name)
    }
}

impl ExecutionPlan for Reader {
    fn name(&self) -> &'static str {
        "Reader"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(Arc::clone(&self.statistics))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.part.rows(&context).map_err(DataFusionError::Shared);
        let stream = rows.and_then(|rows| async move { rows.read() }).try_flatten_stream();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream)))
    }
}

/// The rows of a part: the first in memory, the others in a file.
struct Rows {
    first: Vec<RecordBatch>,
    others: Option<(SpillManager, Arc<dyn SpillFile>)>,
    schema: SchemaRef,
    /// What the first take of the query's memory.
    _taken: MemoryReservation,
}

impl Rows {
    async fn of(name: &str, plan: Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> Result<Self> {
        let schema = plan.schema();
        let taken = MemoryConsumer::new(name).register(context.memory_pool());
        let (mut first, mut others) = (Vec::new(), None);
        let spilled = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        let files = SpillManager::new(context.runtime_env(), spilled, Arc::clone(&schema));
        let mut batches = execute_stream(plan, context)?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let bytes = get_record_batch_memory_size(&batch);
            let has_room = others.is_none() && taken.size() + bytes <= IN_MEMORY;
            if has_room && taken.try_grow(bytes).is_ok() {
                first.push(batch);
                continue;
            }
            let file = match &mut others {
                Some(file) => file,
                none => none.insert(files.create_in_progress_file(name)?),
            };
            file.append_batch(&batch)?;
        }
        let others = others.map(|mut file| file.finish()).transpose()?.flatten().map(|file| (files, file));
        Ok(Self { first, others, schema, _taken: taken })
    }

    fn read(self: Arc<Self>) -> Result<SendableRecordBatchStream> {
        let others = match &self.others {
            Some((files, file)) => Some(files.read_spill_as_stream(Arc::clone(file), None)?),
            None => None,
        };
        let schema = Arc::clone(&self.schema);
        let count = self.first.len();
        let first = (0..count).filter_map(move |place| self.first.get(place).cloned().map(Ok));
        let all = futures::stream::iter(first).chain(futures::stream::iter(others).flatten());
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, all)))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::execution::memory_pool::GreedyMemoryPool;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;
    use crate::session::session;

    /// A session of one or more tasks with a table of seven rows, and a view of its groups.
    async fn context(tasks: usize) -> SessionContext {
        let context = session(SessionConfig::new().with_target_partitions(tasks), Arc::default());
        for sql in [
            "CREATE TABLE t AS SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (2, 'c'), (3, 'd'), (3, 'e'), (3, 'f'), (NULL, 'g')) AS v(n, s)",
            "CREATE VIEW by_n AS SELECT n, count(*) AS rows, max(s) AS s FROM t GROUP BY n",
        ] {
            context.sql(sql).await.unwrap().collect().await.unwrap();
        }
        context
    }

    async fn shown(context: &SessionContext, sql: &str) -> String {
        let (plan, _) = planned(context.sql(sql).await.unwrap()).await.unwrap();
        displayable(plan.as_ref()).indent(false).to_string()
    }

    fn rows(batches: &[RecordBatch]) -> Vec<String> {
        let text = pretty_format_batches(batches).unwrap().to_string();
        let mut lines: Vec<String> = text.lines().skip(3).map(str::to_owned).collect();
        lines.sort();
        lines
    }

    const GROUPS: &str = "WITH g AS (SELECT n, count(*) AS rows, max(s) AS s FROM t GROUP BY n)";

    #[tokio::test]
    async fn what_is_made_once_has_the_same_rows() {
        for tasks in [1, 3] {
            let context = context(tasks).await;
            for (is_once, sql) in [
                (true, format!("{GROUPS} SELECT a.n, b.s FROM g AS a JOIN g AS b ON a.n = b.rows")),
                (true, format!("{GROUPS} SELECT n FROM g WHERE rows > 1 UNION ALL SELECT rows FROM g WHERE n = 1")),
                (true, format!("{GROUPS} SELECT (SELECT max(n) FROM g) AS m, count(*) AS c FROM g")),
                (true, format!("{GROUPS} SELECT count(*) AS c FROM g CROSS JOIN (SELECT count(*) AS d FROM g)")),
                (true, format!("{GROUPS} SELECT * FROM t WHERE n IN (SELECT rows FROM g) AND s IN (SELECT s FROM g)")),
                (true, format!("{GROUPS} SELECT * FROM g WHERE EXISTS (SELECT 1 FROM g AS h WHERE h.rows = g.n) AND rows < (SELECT max(rows) FROM g)")),
                (true, format!("{GROUPS}, h AS (SELECT rows, sum(n) AS n FROM g GROUP BY rows) SELECT g.n, h.n AS m FROM g LEFT JOIN h ON h.rows = g.rows")),
                // Of a part that is read twice itself, what is within is read by it alone.
                (true, format!("{GROUPS}, h AS (SELECT rows, sum(n) AS n FROM g GROUP BY rows) SELECT a.n FROM h AS a JOIN h AS b ON b.n = a.n")),
                (true, format!("{GROUPS}, h AS (SELECT rows, sum(n) AS n FROM g GROUP BY rows) SELECT a.n FROM h AS a JOIN h AS b ON b.n = a.n JOIN g ON g.n = a.rows")),
                (true, "SELECT a.s FROM by_n AS a JOIN by_n AS b ON a.n = b.rows".to_owned()),
                (true, "SELECT a.n FROM (SELECT DISTINCT n FROM t) AS a JOIN (SELECT DISTINCT n FROM t) AS b ON a.n = b.n".to_owned()),
                (true, "WITH d AS (SELECT * FROM t ORDER BY s LIMIT 3) SELECT * FROM d UNION ALL SELECT * FROM d".to_owned()),
                (true, "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 5) SELECT a.i FROM r AS a JOIN r AS b ON a.i = b.i + 1".to_owned()),
                // These are read where they stand.
                (false, "WITH p AS (SELECT n + 1 AS m, s FROM t WHERE n > 1) SELECT * FROM p AS a JOIN p AS b ON a.m = b.m".to_owned()),
                (false, format!("{GROUPS} SELECT * FROM g")),
                (false, "SELECT s, (SELECT max(rows) FROM by_n WHERE by_n.n = t.n) AS m FROM t".to_owned()),
            ] {
                let separate = context.sql(&sql).await.unwrap().collect().await.unwrap();
                let once = collect(context.sql(&sql).await.unwrap()).await.unwrap();
                assert_eq!(rows(&once), rows(&separate), "{sql}");
                assert!(rows(&once).len() > 1, "{sql}");
                let plan = shown(&context, &sql).await;
                assert_eq!(plan.contains("made once"), is_once, "{sql}: {plan}");
            }
        }
    }

    #[tokio::test]
    async fn what_changes_is_made_once_for_one_name() {
        let context = context(1).await;
        for (sql, found) in [
            ("WITH r AS (SELECT random() AS x FROM t) SELECT count(*) AS c FROM r AS a JOIN r AS b ON a.x = b.x", 7),
            (
                "SELECT count(*) AS c FROM (SELECT random() AS x FROM t) AS a JOIN (SELECT random() AS x FROM t) AS b ON a.x = b.x",
                0,
            ),
        ] {
            let batches = collect(context.sql(sql).await.unwrap()).await.unwrap();
            assert!(rows(&batches).iter().any(|row| row.contains(&format!("| {found} "))), "{sql}: {batches:?}");
        }
    }

    #[tokio::test]
    async fn what_memory_does_not_hold_goes_into_a_file() {
        let pool = Arc::new(GreedyMemoryPool::new(64 * 1024 * 1024));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().unwrap();
        let context = session(SessionConfig::new().with_target_partitions(1), runtime);
        let sql = "WITH n AS (SELECT value, row_number() OVER (ORDER BY value) AS i FROM generate_series(1, 1500000)) \
                   SELECT (SELECT sum(value) FROM n WHERE i <= 1500000) AS a, (SELECT sum(i - 1) FROM n) AS b";
        let (plan, task) = planned(context.sql(sql).await.unwrap()).await.unwrap();
        let batches: Vec<_> = execute_stream(plan, task).unwrap().try_collect().await.unwrap();
        assert_eq!(rows(&batches).iter().filter(|row| row.contains("| 1125000750000 | 1124999250000 |")).count(), 1);
    }

    #[tokio::test]
    async fn a_part_that_fails_is_an_error_of_each_reader() {
        let context = context(1).await;
        let sql = "WITH g AS (SELECT n, 1 / (count(*) - 1) AS x FROM t GROUP BY n) SELECT a.x FROM g AS a JOIN g AS b ON a.x = b.x";
        let error = collect(context.sql(sql).await.unwrap()).await.unwrap_err();
        assert!(error.find_root().to_string().contains("Divide by zero"), "{error}");
    }
}
