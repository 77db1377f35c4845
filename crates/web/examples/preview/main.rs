//! Serves the pages over made-up answers, to look at them without any data: `cargo run -p web --example preview`.

mod fixture;

use std::path::Path;
use std::sync::Arc;

#[tokio::main]
async fn main() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:7878").await.expect("port 7878 is free");
    println!("http://127.0.0.1:7878  names: mia, ivo, pia, eve; password: demo");
    let options = web::Options {
        product: Arc::new(fixture::Fixture { mark: "" }),
        templates_from: Some(Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()),
        secure_cookies: false,
    };
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    web::serve(listener, options, Box::pin(stop)).await;
}
