//! The page about SQL says what is true: each of its queries has an answer.

use crate::sql::lake_of_messages;

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_page_is_answered() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sql.md");
    let page = std::fs::read_to_string(page).unwrap();
    let engine = query::Engine::open(&lake_of_messages().await).await.unwrap();
    let queries: Vec<&str> =
        page.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(queries.len() >= 10, "the page has {} queries", queries.len());
    for query in queries {
        let answer = async { engine.sql(query).await?.collect().await };
        let batches = answer.await.unwrap_or_else(|error| panic!("{error} {:?}\n{query}", error.hint()));
        let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        assert!(rows > 0, "nothing answers\n{query}");
    }
}
