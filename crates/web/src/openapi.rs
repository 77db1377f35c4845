//! The OpenAPI 3.1 document, made from the route table.

mod definitions;
mod governance;
mod question;
mod verdict;

use crate::routes::{Rights, RouteInfo, RouteKind, routes};
use serde_json::{Map, Value, json};

/// The calls of the intake, by all their names.
const CALLS: [&str; 16] = [
    "track", "t", "identify", "i", "page", "p", "screen", "s", "group", "g", "alias", "a", "consent", "batch", "b",
    "import",
];
/// What becomes of a message.
const OUTCOMES: [&str; 4] = ["accepted", "flagged", "quarantined", "rejected"];

/// Returns the OpenAPI 3.1 document of the JSON interface and the intake.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for route in routes().iter().filter(|route| [RouteKind::Api, RouteKind::Intake].contains(&route.kind)) {
        let item = paths.entry(path_of(route)).or_insert_with(|| json!({}));
        item[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Entente",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Ask questions about people and get answers under the rules that both teams agreed.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "key": { "type": "http", "scheme": "basic", "description": "a write key as the name, without a password; the intake also takes it as `Bearer KEY`, as `?writeKey=` (public keys only) and as `writeKey` in the body" },
                "session": { "type": "apiKey", "in": "cookie", "name": "entente", "description": "`__Host-entente` on a server that is started with `--https`" },
            },
            "schemas": schemas(),
        },
    })
}

/// The path of a route as the document has it: there a parameter may not say that it takes slashes.
pub(crate) fn path_of(route: &RouteInfo) -> String {
    route.path.replace("{*", "{")
}

fn operation(route: &RouteInfo) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "responses": responses(route),
    });
    if route.rights != Rights::Open {
        let of_users = json!([{ "token": [] }, { "session": [] }]);
        operation["security"] = if route.rights == Rights::Key { json!([{ "key": [] }, {}]) } else { of_users };
        operation["x-rights"] = route.rights.name().into();
    }
    let parameters = parameters(route);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = request_body(route) {
        operation["requestBody"] = body;
    }
    operation
}

fn operation_id(route: &RouteInfo) -> String {
    let path = path_of(route);
    let words = path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty() && *word != "api" && *word != "v1");
    std::iter::once(route.method.to_ascii_lowercase()).chain(words.map(str::to_owned)).collect::<Vec<_>>().join("_")
}

fn parameters(route: &RouteInfo) -> Vec<Value> {
    let mut parameters = Vec::new();
    let in_path = |name: &str, schema: Value| json!({ "name": name, "in": "path", "required": true, "schema": schema });
    if route.path.contains("{call}") {
        parameters.push(in_path("call", json!({ "enum": CALLS })));
    }
    if route.path.contains("{key}") {
        parameters.push(in_path("key", json!({ "type": "string" })));
    }
    if route.path.contains("{name}") {
        parameters.push(in_path("name", json!({ "type": "string" })));
    }
    if route.path.contains("{*path}") {
        let about =
            "the file, relative to the workspace: `contracts/till.odcs.yaml`; its slash may stand as it is or as `%2F`";
        parameters.push(json!({ "name": "path", "in": "path", "required": true, "description": about, "schema": { "type": "string" } }));
        if route.method == "GET" {
            let about = "a change, as the gap of a verdict names it: `proposed` is the text with it made";
            parameters.push(json!({ "name": "change", "in": "query", "description": about, "content": { "application/json": { "schema": { "type": "object" } } } }));
        }
    }
    if ["/api/v1/ask", "/api/v1/judge"].contains(&route.path) {
        let about = "names the request, so that `/api/v1/running/{name}` finds it while it runs; longer than 64 bytes is no name";
        parameters.push(
            json!({ "name": "X-Request-Id", "in": "header", "description": about, "schema": { "type": "string" } }),
        );
    }
    if route.rights == Rights::Key && route.path != "/v1/projects/{key}/settings" {
        parameters.push(json!({ "name": "writeKey", "in": "query", "description": "a public write key", "schema": { "type": "string" } }));
    }
    if route.path == "/v1/pixel/{call}" && route.method == "GET" {
        let about = "the message as JSON in base64, at most 8 KiB; without `writeKey` beside it, it has the key";
        parameters.push(json!({ "name": "data", "in": "query", "required": true, "description": about, "schema": { "type": "string" } }));
    }
    if route.path == "/api/v1/audit" {
        for (name, about, schema) in [
            ("user", "only this user's", json!({ "type": "string" })),
            ("purpose", "only those about this purpose", json!({ "type": "string" })),
            ("did", "only deeds that begin with this", json!({ "type": "string" })),
            ("day", "only those of this day in UTC", json!({ "type": "string", "format": "date" })),
            ("live", "`no` leaves out verdicts that pages kept live", json!({ "enum": ["yes", "no"] })),
            ("before", "only records before this number", json!({ "type": "integer", "minimum": 1 })),
            ("limit", "at most so many; a thousand are the most", json!({ "type": "integer", "minimum": 1 })),
        ] {
            parameters.push(json!({ "name": name, "in": "query", "description": about, "schema": schema }));
        }
    }
    if route.path == "/api/v1/values" {
        for (name, is_needed, about) in [
            ("purpose", true, "what the question is for that the values are written into"),
            ("field", true, "a trait, or `event.FIELD` for a property"),
            ("event", false, "the event that has the property; none stands for any"),
        ] {
            let schema = json!({ "type": "string", "minLength": u8::from(is_needed) });
            parameters.push(
                json!({ "name": name, "in": "query", "required": is_needed, "description": about, "schema": schema }),
            );
        }
    }
    if route.path == "/api/v1/lineage" {
        let kinds = crate::lineage::KIND_WORDS.map(|(kind, ..)| kind);
        let about = "only things of this kind; several may be named, and none stands for all";
        let schema = json!({ "type": "array", "items": { "enum": kinds } });
        parameters.push(json!({ "name": "kind", "in": "query", "description": about, "schema": schema }));
        let about = "only the one of this name; of a property `EVENT.FIELD`";
        parameters.push(json!({ "name": "name", "in": "query", "description": about, "schema": { "type": "string" } }));
    }
    if route.path == "/api/v1/consents" {
        let about = "how far apart the instants are; a week where nothing is said";
        let schema = json!({ "enum": ["day", "week", "month"] });
        parameters.push(json!({ "name": "by", "in": "query", "description": about, "schema": schema }));
    }
    if route.path == "/api/v1/sources/{name}/replay" {
        let about = "only messages that are aside for this reason, as `GET /api/v1/quarantine` tells it";
        parameters
            .push(json!({ "name": "reason", "in": "query", "description": about, "schema": { "type": "string" } }));
    } else if route.path.contains("{number}") {
        parameters.push(in_path("number", json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX })));
    } else if route.rights == Rights::Import {
        let about = "its ending says how to read the body: .csv, .ndjson, .jsonl, .parquet";
        parameters.push(json!({ "name": "file_name", "in": "query", "required": true, "description": about, "schema": { "type": "string" } }));
        parameters.push(json!({ "name": "object", "in": "query", "description": "the object of the contract", "schema": { "type": "string" } }));
    }
    parameters
}

fn request_body(route: &RouteInfo) -> Option<Value> {
    if !["POST", "PUT"].contains(&route.method) || route.path.ends_with("/replay") || route.path.ends_with("/undo") {
        return None;
    }
    let content = match route.path {
        "/api/v1/sources/{name}/import" => json!({ "application/octet-stream": {} }),
        "/api/v1/identity" => {
            let about = "only merges of whom this user id or anonymous id leads to";
            let identifier = json!({ "type": ["string", "null"], "description": about });
            json!({ "application/json": { "schema": { "type": "object", "additionalProperties": false, "properties": { "identifier": identifier } } } })
        }
        "/api/v1/audiences" | "/api/v1/questions" => json!({ "application/json": { "schema": reference("Save") } }),
        "/api/v1/dashboards" => json!({ "application/json": { "schema": reference("NewDashboard") } }),
        "/api/v1/dashboards/{name}" => json!({ "application/json": { "schema": reference("SaveDashboard") } }),
        "/api/v1/definitions/{*path}" if route.method == "PUT" => {
            json!({ "application/json": { "schema": reference("SaveDefinition") } })
        }
        "/api/v1/definitions/{*path}" => json!({ "application/json": { "schema": reference("CheckDefinition") } }),
        "/v1/{call}" => {
            let form =
                json!({ "type": "object", "required": ["data"], "properties": { "data": { "type": "string" } } });
            json!({
                "application/json": { "schema": reference("Message") },
                "text/plain": { "schema": { "type": "string", "description": "the same" } },
                "application/x-www-form-urlencoded": { "schema": form },
            })
        }
        _ => json!({ "application/json": { "schema": reference("Asking") } }),
    };
    Some(json!({ "required": true, "content": content }))
}

fn responses(route: &RouteInfo) -> Value {
    let problem = |what: &str| json!({ "description": what, "content": { "application/problem+json": { "schema": reference("Problem") } } });
    let schema = match (route.method, route.path) {
        ("POST", "/api/v1/ask") => reference("Answer"),
        ("POST", "/api/v1/judge") => {
            json!({ "type": "object", "required": ["verdict"], "properties": { "verdict": reference("Verdict"), "people": { "type": "integer" } } })
        }
        ("POST", "/api/v1/sources/{name}/import") => reference("Balance"),
        ("POST", "/api/v1/sources/{name}/replay") => {
            let count = || json!({ "type": "integer" });
            json!({ "type": "object", "required": ["source", "taken", "left"], "properties": { "source": { "type": "string" }, "taken": count(), "left": count() } })
        }
        ("POST", "/v1/{call}") => json!({ "anyOf": [reference("Taken"), reference("BatchTaken")] }),
        ("GET" | "PUT", "/api/v1/dashboards/{name}") | ("POST", "/api/v1/dashboards") => reference("Dashboard"),
        ("GET", "/api/v1/dashboards") => {
            json!({ "type": "object", "required": ["dashboards"], "properties": { "dashboards": { "type": "array", "items": reference("Dashboard") } } })
        }
        ("GET", "/api/v1/definitions/{*path}") => reference("Definition"),
        ("POST", "/api/v1/definitions/{*path}") => reference("DefinitionCheck"),
        ("PUT", "/api/v1/definitions/{*path}") => reference("DefinitionSaved"),
        ("GET", "/api/v1/running") => {
            json!({ "type": "object", "required": ["running"], "properties": { "running": { "type": "array", "items": reference("Progress") } } })
        }
        ("GET", "/api/v1/running/{name}") => reference("Progress"),
        ("GET", "/api/v1/collector") => reference("Pulse"),
        ("GET", "/api/v1/values") => reference("Values"),
        ("GET", "/api/v1/verdicts") => reference("Standings"),
        ("GET", "/api/v1/lineage") => reference("Lineage"),
        ("GET", "/api/v1/audit") => reference("Records"),
        ("GET", "/api/v1/audit/head") => reference("Head"),
        ("GET", "/api/v1/consents") => reference("Consents"),
        ("GET", "/api/v1/proofs") => reference("Proofs"),
        ("POST", "/api/v1/identity") => {
            json!({ "type": "object", "required": ["merges"], "properties": { "merges": { "type": "array", "items": reference("Merge") } } })
        }
        _ => json!({ "type": "object" }),
    };
    let mut content = json!({ "application/json": { "schema": schema } });
    if route.path == "/api/v1/collector/metrics" {
        content = json!({ "text/plain": { "schema": { "type": "string" } } });
    }
    if route.path == "/api/v1/ask" {
        for other in ["text/csv", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"] {
            content[other] = json!({});
        }
    }
    let mut responses = match (route.method, route.path) {
        ("OPTIONS", _) => json!({ "204": { "description": "it may be sent, without cookies" } }),
        (_, "/v1/pixel/{call}") => {
            let outcome = json!({ "description": "what became of the message", "schema": { "enum": OUTCOMES } });
            let content = json!({ "image/gif": {} });
            json!({ "200": { "description": "a pixel, whatever happens", "content": content, "headers": { "x-entente-outcome": outcome } } })
        }
        ("DELETE", "/api/v1/running/{name}") => json!({ "204": { "description": "told to stop" } }),
        ("DELETE", _) => json!({ "204": { "description": "taken back" } }),
        ("POST", "/api/v1/identity/{number}/undo") => json!({ "204": { "description": "taken apart" } }),
        ("POST", "/api/v1/audiences" | "/api/v1/questions" | "/api/v1/dashboards") => {
            let location = json!({ "description": "where GET finds it", "schema": { "type": "string" } });
            json!({ "201": { "description": "saved", "content": content, "headers": { "Location": location } } })
        }
        _ => json!({ "200": { "description": route.summary, "content": content } }),
    };
    if ![Rights::Open, Rights::Key].contains(&route.rights) {
        responses["401"] = problem("no valid credential");
        responses["403"] = problem("refused; a refused question comes with its verdict and the nearest yes");
        responses["503"] = problem("too much to do; `Retry-After` says when to try again");
    }
    for (status, description) in more_problems(route) {
        responses[status] = problem(description);
    }
    responses
}

/// The problems that some routes have and others have not.
fn more_problems(route: &RouteInfo) -> Vec<(&'static str, &'static str)> {
    let is_import = route.rights == Rights::Import;
    let mut problems = Vec::new();
    if ["POST", "PUT"].contains(&route.method) {
        problems.push(("400", "wrong input, with every diagnostic"));
        problems.push(("408", "the body did not arrive in time"));
        problems.push(("413", "too large"));
    }
    if route.path == "/v1/{call}" {
        problems.push(("401", "no write key, one that is not known, or a secret one in the URL"));
        problems.push(("404", "there is no such call"));
        problems.push(("415", "an encoding that is not read, or several"));
        problems.push(("429", "the key has sent more than it may; `Retry-After` says when to try again"));
        problems.push(("503", "nothing can be kept at the moment; `Retry-After` says when to try again"));
    } else if ["POST", "PUT"].contains(&route.method) && !is_import {
        problems.push(("415", "the body is not declared as JSON"));
    }
    if route.path == "/v1/projects/{key}/settings" && route.method == "GET" {
        problems.push(("404", "no public write key"));
    }
    if ["{name}", "{number}", "{*path}"].iter().any(|parameter| route.path.contains(parameter)) {
        problems.push(("404", "nothing of that name is there"));
    }
    if route.path == "/api/v1/consents" {
        problems.push(("400", "`by` is something else"));
    }
    if route.path == "/api/v1/values" {
        problems.push(("400", "a parameter is missing"));
        problems.push(("404", "no purpose or field of that name is there"));
    }
    if route.path == "/api/v1/lineage" {
        problems.push(("400", "a kind of thing that there is not"));
    }
    if route.path == "/api/v1/audit" {
        problems.push(("400", "a number or a day that is none"));
    }
    if route.path == "/api/v1/ask" {
        problems.push(("406", "none of the accepted formats is made"));
    }
    if route.path == "/api/v1/definitions/{*path}" && route.method == "GET" {
        problems.push(("400", "a change that cannot be read"));
    }
    if is_import || [Rights::Define, Rights::Edit].contains(&route.rights) || route.path.ends_with("{*path}") {
        problems.push(("409", "it is there already, or was changed meanwhile"));
    }
    if ![Rights::Open, Rights::Key].contains(&route.rights) {
        problems.push(("429", "too many questions of the same user are waiting"));
    }
    if route.path == "/health" {
        problems.push(("503", "questions cannot be answered yet"));
    }
    problems
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let maybe_text = json!({ "type": ["string", "null"] });
    let diagnostic = json!({
        "type": "object", "required": ["path", "line", "column", "message", "hint"],
        "properties": { "path": text, "line": count, "column": count, "message": text, "hint": text },
    });
    let only = |one: &str, other: &str| json!({ "required": [one], "properties": { (one): { "type": "string" }, (other): { "type": "null" } } });
    let tile = json!({
        "type": "object", "description": "a saved question or a metric, never both", "additionalProperties": false,
        "properties": { "question": maybe_text, "metric": maybe_text, "title": maybe_text, "width": { "enum": ["half", "full", null] } },
        "oneOf": [only("question", "metric"), only("metric", "question")],
    });
    let mut schemas = json!({
        "Question": question::schema(),
        "Tile": tile,
        "NewDashboard": { "type": "object", "required": ["title"], "additionalProperties": false, "properties": {
            "title": text, "description": maybe_text, "tiles": { "type": ["array", "null"], "maxItems": 16, "items": reference("Tile") } } },
        "SaveDashboard": { "type": "object", "additionalProperties": false, "properties": {
            "title": maybe_text, "description": maybe_text, "tiles": { "type": ["array", "null"], "maxItems": 16, "items": reference("Tile") },
            "version": { "type": ["string", "null"], "description": "the version that it takes the place of, empty for none" } } },
        "Dashboard": { "type": "object", "required": ["name", "title", "description", "tiles", "version", "path", "text"], "properties": {
            "name": text, "title": text, "description": text, "tiles": { "type": "array", "items": reference("Tile") },
            "version": text, "path": text, "text": text } },
        "Asking": { "type": "object", "required": ["question"], "additionalProperties": false, "properties": { "question": reference("Question") } },
        "Save": { "type": "object", "required": ["question", "title"], "additionalProperties": false,
            "properties": { "question": reference("Question"), "title": text, "description": maybe_text } },
        "Answer": { "type": "object", "required": ["verdict", "columns", "rows", "provenance"], "properties": {
            "verdict": reference("Verdict"),
            "columns": { "type": "array", "items": { "type": "object", "required": ["name", "type"], "properties": { "name": text, "type": text, "unit": text } } },
            "rows": { "type": "array", "items": { "type": "array" } },
            "waterfall": { "type": "array", "items": { "type": "object" } },
            "sample_ratio": { "type": "object", "description": "of an experiment: people per variant against what was meant", "properties": {
                "variants": { "type": "array", "items": { "type": "object" } }, "several": { "type": ["integer", "null"] },
                "chi_square": { "type": ["number", "null"] }, "p": { "type": ["number", "null"] }, "alarm": { "type": ["boolean", "null"] } } },
            "provenance": { "type": "object", "properties": {
                "min_group": { "type": "integer", "description": "the smallest group of people that figures for the purpose are shown of" },
                "differences": { "enum": ["guarded", "shown"], "description": "`guarded`: a figure that would differ from one that the user saw before by fewer people than `min_group` is given as it was before; a rule of the purpose, which says nothing of this answer" } } } } },
        "Progress": { "type": "object", "required": ["name", "seconds", "progress"], "properties": {
            "name": text, "seconds": { "type": "number" },
            "progress": { "type": ["number", "null"], "description": "done, in 0..=1; null before anything is known" } } },
        "Balance": { "type": "object", "description": "received = stored + duplicate + rejected", "properties": {
            "what": text, "received": count, "stored": count, "duplicate": count, "rejected": count } },
        "Message": { "type": "object", "description": "a message of the Segment tracking API, or `batch` with several", "properties": {
            "writeKey": text, "messageId": text, "userId": text, "anonymousId": text, "event": text, "timestamp": text,
            "properties": { "type": "object" }, "traits": { "type": "object" }, "context": { "type": "object" },
            "batch": { "type": "array", "items": reference("Message") } } },
        "Fault": { "type": "object", "required": ["reason", "hint"], "properties": { "reason": text, "contract": text, "field": text, "hint": text } },
        "Taken": { "type": "object", "required": ["success"], "properties": {
            "success": { "const": true }, "message_id": text, "outcome": { "enum": OUTCOMES }, "faults": { "type": "array", "items": reference("Fault") } } },
        "BatchTaken": { "type": "object", "required": ["success", "accepted", "flagged", "quarantined", "rejected", "messages"], "properties": {
            "success": { "type": "boolean", "description": "whether no message was rejected" },
            "accepted": count, "flagged": count, "quarantined": count, "rejected": count,
            "messages": { "type": "array", "description": "those that are not plainly accepted", "items": { "type": "object", "properties": {
                "index": count, "message_id": text, "outcome": { "enum": OUTCOMES }, "faults": { "type": "array", "items": reference("Fault") } } } } } },
        "Pulse": { "type": "object", "required": ["keys", "log_bytes", "log_records", "lag_seconds", "is_durable", "is_landing"], "properties": {
            "keys": { "type": "array", "items": { "type": "object", "properties": {
                "source": text, "key": text, "received": count, "received_lately": count, "accepted": count, "quarantined": count,
                "rejected": { "type": "array", "items": { "type": "object", "properties": { "reason": text, "messages": count } } },
                "last_at": { "type": ["string", "null"], "format": "date-time" } } } },
            "log_bytes": count, "log_records": count, "lag_seconds": { "type": "number" },
            "is_durable": { "type": "boolean" }, "is_landing": { "type": "boolean" } } },
        "Merge": { "type": "object", "required": ["number", "at", "change", "by", "state"], "properties": {
            "number": count, "at": { "type": "string", "format": "date-time" }, "change": { "enum": ["identify", "alias", "undo"] },
            "undoes": { "type": ["integer", "null"] }, "by": text, "state": { "enum": ["waiting", "in force", "undone"] } } },
        "Diagnostic": diagnostic,
        "Problem": { "type": "object", "description": "RFC 9457", "required": ["type", "title", "status", "detail"], "properties": {
            "type": text, "title": text, "status": count, "detail": text, "hint": text,
            "errors": { "type": "array", "items": reference("Diagnostic") }, "verdict": reference("Verdict") } },
    });
    let parts = governance::schemas().into_iter().chain(definitions::schemas()).chain(verdict::schemas());
    for (name, schema) in parts {
        schemas[name] = schema;
    }
    schemas
}
