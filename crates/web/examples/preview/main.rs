//! Serves the pages over made-up answers, to look at them without any data: `cargo run -p web --example preview [PORT]`.

mod fixture;
mod sample_collector;

use std::path::Path;
use std::sync::Arc;

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().init();
    let port: u16 = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(7878);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    println!("http://127.0.0.1:{port}  names: mia, ivo, pia, eve; password: demo");
    let options = web::Options {
        product: Arc::new(fixture::Fixture { mark: "" }),
        collector: Arc::new(sample_collector::SampleCollector { mark: "" }),
        templates_from: Some(Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()),
        secure_cookies: false,
        spool: std::env::temp_dir().join("entente-preview-uploads"),
    };
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    web::serve(listener, options, Box::pin(stop)).await;
}
