//! Real samplers of the Rust SDK, told what to do by lines of JSON on standard input: see ../protocol.ts.

use std::collections::HashMap;
use std::error::Error;
use std::io::{stdin, stdout, BufRead, Write};
use std::time::Duration;

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample,
};
use reqwest::{Certificate, Client};
use serde_json::{json, Value};

fn main() -> Result<(), Box<dyn Error>> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "TLS was set up twice")?;
    // The sampler polls in a task of this runtime.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let _entered = runtime.enter();
    let mut samplers = HashMap::new();
    for line in stdin().lock().lines() {
        let reply = serde_json::from_str(&line?)
            .map_err(Into::into)
            .and_then(|request| answer(&request, &mut samplers))
            .unwrap_or_else(|error| json!({ "error": error.to_string() }));
        let mut out = stdout().lock();
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(
    request: &Value,
    samplers: &mut HashMap<String, Sampler>,
) -> Result<Value, Box<dyn Error>> {
    let name = text(request, "sampler")?;
    match text(request, "op")? {
        "configure" => {
            samplers.insert(name.to_string(), configure(request)?);
            Ok(json!({}))
        }
        "sample" => {
            let sampler = samplers.get(name).ok_or("no such sampler")?;
            let operation = text(request, "operation")?;
            Ok(json!({ "sampled": sample(sampler, operation, number(request, "decisions")?) }))
        }
        "describe" => {
            let sampler = samplers.get(name).ok_or("no such sampler")?;
            Ok(json!({ "description": format!("{sampler:?}") }))
        }
        other => Err(format!("unknown op {other}").into()),
    }
}

fn configure(request: &Value) -> Result<Sampler, Box<dyn Error>> {
    let mut client = Client::builder();
    if let Ok(file) = text(request, "caFile") {
        let certificate = Certificate::from_pem(&std::fs::read(file)?)?;
        client = client.tls_certs_only([certificate]);
    }
    let initial = match text(request, "initial")? {
        "on" => Sampler::AlwaysOn,
        _ => Sampler::AlwaysOff,
    };
    let mut builder =
        Sampler::jaeger_remote(Tokio, client.build()?, initial, text(request, "service")?)
            .with_endpoint(text(request, "endpoint")?);
    if let Ok(poll_ms) = number(request, "pollMs") {
        builder = builder.with_update_interval(Duration::from_millis(poll_ms));
    }
    Ok(builder.build()?)
}

/// How many of so many new traces, with ids of the SDK's own generator, are sampled.
fn sample(sampler: &Sampler, operation: &str, decisions: u64) -> u64 {
    let ids = RandomIdGenerator::default();
    let is_sampled = || {
        let result = sampler.should_sample(
            None,
            ids.new_trace_id(),
            operation,
            &SpanKind::Server,
            &[],
            &[],
        );
        result.decision == SamplingDecision::RecordAndSample
    };
    (0..decisions).filter(|_| is_sampled()).count() as u64
}

fn text<'a>(request: &'a Value, key: &str) -> Result<&'a str, Box<dyn Error>> {
    request[key]
        .as_str()
        .ok_or_else(|| format!("{key} is missing").into())
}

fn number(request: &Value, key: &str) -> Result<u64, Box<dyn Error>> {
    request[key]
        .as_u64()
        .ok_or_else(|| format!("{key} is missing").into())
}
