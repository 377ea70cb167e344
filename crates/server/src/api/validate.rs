//! `POST /v1/validate`: messages held to their own version of the standard; nothing is kept.

use axum::Json;
use axum::body::Body;
use hl7::json::{Names, TreeWriter};
use hl7::{Parser, Validator};
use pipeline::{Places, Reason, Rules};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::call::Call;
use super::look::{self, Finding, Found, Refusal};
use super::openapi::ProblemBody;
use super::problem::{Kind, Problem};
use super::seams::Scope;
use super::state::State;

pub(super) fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(post_validate))
}

/// Warnings of one message that are listed.
const MOST_WARNINGS: usize = 1_000;

/// What was found.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Validated {
    /// How many messages there are, junk included.
    messages: u64,
    /// How many of them conform.
    valid: u64,
    /// The first that break the standard, or have something odd.
    reports: Vec<Report>,
    /// Whether these are all.
    all_listed: bool,
}

/// What is wrong with one message.
#[derive(Debug, Serialize, ToSchema)]
struct Report {
    /// Its number in the body, from 1.
    message: u64,
    /// Where it begins, in bytes from the start of the body.
    offset: u64,
    /// The version of the standard that it was held to.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Why it cannot be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
    /// How many times it breaks the standard.
    finding_count: u64,
    /// Where, as far as a report goes.
    findings: Vec<Finding>,
    /// What is odd about it, though it is accepted.
    warnings: Vec<Warning>,
}

/// Something odd.
#[derive(Debug, Serialize, ToSchema)]
struct Warning {
    /// Its code.
    code: &'static str,
    /// The place, such as `OBX[2]-5`.
    path: String,
    /// The place in bytes from the start of the message.
    offset: u64,
}

/// Holds messages to their own version of the standard.
///
/// Nothing is kept. Findings say where and what was expected, never what stood there.
#[utoipa::path(
    post,
    path = "/v1/validate",
    tag = "messages looked at",
    request_body(description = "Messages one after another", content((String = "application/hl7-v2"), (String = "text/plain"), (inline(super::openapi::Octets) = "application/octet-stream"))),
    responses(
        (status = 200, description = "What was found", body = Validated),
        (status = 422, description = "There is no message in the body", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Another problem", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn post_validate(call: Call, body: Body) -> Result<Json<Validated>, Problem> {
    call.admit(Scope::Any).await?;
    call.parameters(&[])?;
    let (bytes, permit) = look::body(&call, body).await?;
    let (rules, listed) = (call.state.rules.clone(), call.state.limits.listed);
    let validated = tokio::task::spawn_blocking(move || {
        let validated = validate(&bytes, &rules, listed);
        drop(permit);
        validated
    });
    let validated = validated.await.map_err(|_| Problem::internal("a validation ended early"))?;
    if validated.messages == 0 {
        return Err(Problem::new(
            Kind::NoMessage,
            "there is no message in the body",
            Reason::no_message().hint,
        ));
    }
    Ok(Json(validated))
}

fn validate(bytes: &[u8], rules: &Rules, listed: usize) -> Validated {
    let mut validated = Validated { all_listed: true, ..Validated::default() };
    let mut parser = Parser::new(rules.options.clone());
    let mut validator = Validator::default();
    let mut writer = TreeWriter::new(Names::Canonical, &rules.options);
    for found in look::each(bytes, rules.options.limits.message_bytes) {
        let report = report(&found, &mut parser, &mut validator, &mut writer);
        validated.messages += 1;
        let is_valid = report.refusal.is_none() && report.finding_count == 0;
        validated.valid += u64::from(is_valid);
        if is_valid && report.warnings.is_empty() {
            continue;
        }
        if validated.reports.len() < listed {
            validated.reports.push(report);
        } else {
            validated.all_listed = false;
        }
    }
    validated
}

fn report(
    found: &Found<'_>,
    parser: &mut Parser,
    validator: &mut Validator,
    writer: &mut TreeWriter,
) -> Report {
    let mut report = Report {
        message: found.number,
        offset: found.offset,
        version: None,
        refusal: None,
        finding_count: 0,
        findings: Vec::new(),
        warnings: Vec::new(),
    };
    let parsed = match &found.bytes {
        Ok(bytes) => parser.parse(bytes).map_err(Reason::from),
        Err(reason) => Err(reason.clone()),
    };
    let message = match parsed {
        Ok(message) => message,
        Err(reason) => {
            report.refusal = Some(Refusal::of(found, reason));
            return report;
        }
    };
    report.version = Some(message.version().to_string());
    let findings = validator.validate(&message);
    report.finding_count = findings.len() as u64;
    if let Some(reason) = Reason::strict(&message, findings) {
        report.findings = look::findings(&reason);
    }
    // Some oddities show only when values are placed.
    writer.write(&message);
    let mut places = Places::default();
    let warnings = message.warnings().iter().chain(writer.warnings()).take(MOST_WARNINGS);
    report.warnings.extend(warnings.map(|warning| Warning {
        code: warning.code.as_str(),
        path: places.describe(&message, &warning.place),
        offset: warning.offset as u64,
    }));
    report
}
