//! Reads only the leaves a query uses, also inside the lists of repeating fields and segments.
//!
//! DataFusion reads a column with everything below it when a function looks into it, and it pushes what a query
//! does with a column down to the scan. This rule runs after that: where every use of a column is a path to
//! something below it, the scan is told that the column has nothing else in it.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::physical_plan::{
    FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_expr::expressions::{Column, IsNotNullExpr, IsNullExpr, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use tables::names::SEGMENT_INDEXES;

use crate::pluck;

/// The rule, for the end of the list of physical optimizer rules.
#[derive(Debug)]
pub(crate) struct MaskLeaves;

impl PhysicalOptimizerRule for MaskLeaves {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            Ok(match masked(&node, options)? {
                Some(scan) => Transformed::yes(scan),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "mask_leaves"
    }

    /// The columns of the scan's output stay what they are; inside of it a column gets a smaller type.
    fn schema_check(&self) -> bool {
        true
    }
}

/// The same scan with smaller columns; `None` if the node is no scan or there is nothing to leave out.
fn masked(node: &Arc<dyn ExecutionPlan>, options: &ConfigOptions) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(config) = node
        .downcast_ref::<DataSourceExec>()
        .and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>())
    else {
        return Ok(None);
    };
    let Some(source) = config.file_source().downcast_ref::<ParquetSource>() else { return Ok(None) };
    let Some(projection) = source.projection() else { return Ok(None) };
    let mut uses = Uses::default();
    for expression in projection.expr_iter() {
        uses.look_at(&expression);
    }
    if let Some(predicate) = source.filter() {
        uses.look_at(&predicate);
    }
    let schema = config.file_schema();
    let narrowed = uses.narrowed(schema);
    if narrowed.fields() == schema.fields() {
        return Ok(None);
    }
    let projection =
        projection.clone().try_map_exprs(|expression| retyped(expression, &narrowed, options))?;
    let mut smaller = ParquetSource::new(TableSchema::from(Arc::new(narrowed)))
        .with_table_parquet_options(source.table_parquet_options().clone());
    if let Some(predicate) = source.filter() {
        smaller = smaller.with_predicate(predicate);
    }
    if let Some(factory) = source.parquet_file_reader_factory() {
        smaller = smaller.with_parquet_file_reader_factory(factory.clone());
    }
    let Some(smaller) = smaller.try_pushdown_projection(&projection)? else { return Ok(None) };
    let config = FileScanConfigBuilder::from(config.clone()).with_source(smaller).build();
    Ok(Some(DataSourceExec::from_data_source(config)))
}

/// The same expression over smaller columns: a function knows the type of what it returns from its making.
fn retyped(
    expression: Arc<dyn PhysicalExpr>,
    schema: &Schema,
    options: &ConfigOptions,
) -> Result<Arc<dyn PhysicalExpr>> {
    expression
        .transform_up(|node| {
            let nested = node
                .downcast_ref::<ScalarFunctionExpr>()
                .filter(|function| function.return_type().is_nested())
                .map(|function| (Arc::new(function.fun().clone()), function.args().to_vec()));
            let Some((function, arguments)) = nested else { return Ok(Transformed::no(node)) };
            let options = Arc::new(options.clone());
            let function = ScalarFunctionExpr::try_new(function, arguments, schema, options)?;
            Ok(Transformed::yes(Arc::new(function) as _))
        })
        .data()
}

/// How each column is used, by its position.
#[derive(Default)]
struct Uses(HashMap<usize, Vec<Path>>);

/// Names of fields from a column down; lists on the way are not named. An empty path is all of the column.
type Path = Vec<String>;

impl Uses {
    fn look_at(&mut self, expression: &Arc<dyn PhysicalExpr>) {
        if let Some((column, path)) = path_of(expression) {
            self.0.entry(column).or_default().push(path);
        } else {
            expression.children().into_iter().for_each(|child| self.look_at(child));
        }
    }

    fn narrowed(&self, schema: &Schema) -> Schema {
        let number = [SEGMENT_INDEXES[0].to_owned()];
        let fields =
            schema.fields().iter().enumerate().map(|(position, field)| match self.0.get(&position) {
                Some(paths) => {
                    let mut paths: Vec<&[String]> = paths.iter().map(Vec::as_slice).collect();
                    // Every file that has the segment has this of it: it tells how many occurrences there are.
                    if tables::names::segment_of_column(field.name()).is_some() {
                        paths.push(&number);
                    }
                    keep(field, &paths)
                }
                None => field.clone(),
            });
        Schema::new(fields.collect::<Fields>())
    }
}

/// The field with nothing in it but what the paths lead to.
fn keep(field: &FieldRef, paths: &[&[String]]) -> FieldRef {
    if paths.iter().any(|path| path.is_empty()) {
        return field.clone();
    }
    let data_type = match field.data_type() {
        DataType::Struct(children) => {
            let children = children.iter().filter_map(|child| {
                let below: Vec<&[String]> = paths
                    .iter()
                    .filter(|path| path.first().is_some_and(|name| name == child.name()))
                    .map(|path| &path[1..])
                    .collect();
                (!below.is_empty()).then(|| keep(child, &below))
            });
            DataType::Struct(children.collect())
        }
        DataType::List(element) => DataType::List(keep(element, paths)),
        _ => return field.clone(),
    };
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone()))
}

/// The column an expression is a path from, and the path; `None` if it is anything else.
fn path_of(expression: &Arc<dyn PhysicalExpr>) -> Option<(usize, Path)> {
    if let Some(column) = expression.downcast_ref::<Column>() {
        return Some((column.index(), Vec::new()));
    }
    if let Some(tested) = tested_for_null(expression) {
        let (column, mut path) = path_of(tested)?;
        // Whether there is a segment at all can be seen from its number alone. Elsewhere the whole value is read.
        if path.is_empty() && is_segment(tested) {
            path.push(SEGMENT_INDEXES[0].to_owned());
        }
        return Some((column, path));
    }
    let function = expression.downcast_ref::<ScalarFunctionExpr>()?;
    let (value, arguments) = function.args().split_first()?;
    let (column, mut path) = path_of(value)?;
    match function.name() {
        "get_field" => {
            for argument in arguments {
                path.push(literal(argument)?);
            }
        }
        pluck::AT | pluck::EACH => {
            let steps = literal(arguments.first()?)?;
            path.extend(steps.split('.').filter(|step| step.parse::<u64>().is_err()).map(str::to_owned));
        }
        // Which element it is makes no difference to what is read of it, unless another column says so.
        "array_element" if arguments.iter().all(|argument| argument.is::<Literal>()) => {}
        _ => return None,
    }
    Some((column, path))
}

fn tested_for_null(expression: &Arc<dyn PhysicalExpr>) -> Option<&Arc<dyn PhysicalExpr>> {
    let is_null = expression.downcast_ref::<IsNullExpr>().map(IsNullExpr::arg);
    is_null.or_else(|| expression.downcast_ref::<IsNotNullExpr>().map(IsNotNullExpr::arg))
}

/// Whether a column is a segment, by its name.
fn is_segment(column: &Arc<dyn PhysicalExpr>) -> bool {
    let name = column.downcast_ref::<Column>().map(Column::name);
    name.is_some_and(|name| tables::names::segment_of_column(name).is_some())
}

fn literal(expression: &Arc<dyn PhysicalExpr>) -> Option<String> {
    let value = expression.downcast_ref::<Literal>()?.value();
    value.try_as_str().flatten().map(str::to_owned)
}
