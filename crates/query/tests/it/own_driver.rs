//! A driver of the caller's own, as a trait object.

use std::sync::Arc;

use defender_core::DataEnvironment;
use defender_query::arrow::array::{Int64Array, RecordBatch};
use defender_query::{Answer, Driver, Query, QueryProvider, Result, Summary};

/// Answers every query with its length.
#[derive(Debug)]
struct Length;

#[async_trait::async_trait]
impl Driver for Length {
    fn environment(&self) -> DataEnvironment {
        DataEnvironment::Local
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        let length = i64::try_from(query.text.len()).unwrap();
        let batch =
            RecordBatch::try_from_iter([("length", Arc::new(Int64Array::from(vec![length])) as _)])
                .unwrap();
        let summary = Summary {
            rows: 1,
            ..Summary::default()
        };
        Ok(Answer::from_batches(batch.schema(), vec![batch], summary))
    }
}

#[tokio::test]
async fn it_is_asked_like_any_other() {
    let provider = QueryProvider::with_driver(Arc::new(Length));
    let table = provider.exec_query("DeviceInfo").await.unwrap();
    assert_eq!(table.cell(0, "length").unwrap().to_string(), "10");
    assert_eq!(provider.tenant(), None);
    assert!(provider.token().await.is_err());
}
