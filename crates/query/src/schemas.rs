//! The schemas of a lake: `main`, `segments` and `ops`, which are listed, and `ledger`, which only views look into.

use std::sync::Arc;

use datafusion::catalog::{CatalogProvider, SchemaProvider};

/// The schemas under the name `lake`.
#[derive(Debug)]
pub(crate) struct Schemas {
    pub(crate) main: Arc<dyn SchemaProvider>,
    pub(crate) segments: Arc<dyn SchemaProvider>,
    pub(crate) ops: Arc<dyn SchemaProvider>,
    pub(crate) ledger: Arc<dyn SchemaProvider>,
}

impl CatalogProvider for Schemas {
    fn schema_names(&self) -> Vec<String> {
        vec!["main".into(), "segments".into(), "ops".into()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            "main" => Some(self.main.clone()),
            "segments" => Some(self.segments.clone()),
            "ops" => Some(self.ops.clone()),
            "ledger" => Some(self.ledger.clone()),
            _ => None,
        }
    }
}
