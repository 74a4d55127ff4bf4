//! The engine behind every hunting API: token, request, answer, and what to do about failures.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use defender_core::{Body, DataEnvironment, Error, Redaction, Result};
use defender_http::Paused;
use defender_table::{Answer, Completeness, Provenance, Summary, Warning, WarningKind};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use tracing::Instrument as _;

use crate::decode::{BlockOptions, Decoded, Decoder, Options};
use crate::envelope::{self, Next};
use crate::exchange::{Outgoing, refused};
use crate::failure;
use crate::pace::Call;
use crate::{Capabilities, Connection, Description, Driver, Query, RowLimit, pipeline};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// One hunting API, asked as one identity.
#[derive(Debug)]
pub struct Hunting {
    description: Description,
    connection: Connection,
    warned: AtomicBool,
}

/// What one attempt brought.
struct Attempt {
    decoded: Decoded,
    /// What the service reports beside the rows.
    failure: Option<Error>,
    client_request_id: String,
    request_id: Option<String>,
}

/// The query as it is sent.
struct Sent {
    body: Bytes,
    rewritten: bool,
}

impl Hunting {
    /// A driver of the API that `description` describes.
    pub fn new(description: Description, connection: Connection) -> Self {
        Self {
            description,
            connection,
            warned: AtomicBool::new(false),
        }
    }

    /// The API that is asked.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Where and how it is asked.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    fn sent(&self, query: &Query) -> Result<Sent> {
        let text = self.description.text_sent(query)?;
        let takes_timespan = self.description.takes_timespan;
        let mut body = serde_json::Map::new();
        if let Some(timespan) = query.timespan.filter(|_| takes_timespan) {
            body.insert("Timespan".to_owned(), timespan.to_string().into());
        }
        body.insert("Query".to_owned(), text.into());
        Ok(Sent {
            body: serde_json::Value::from(body).to_string().into(),
            rewritten: query.timespan.is_some() && !takes_timespan,
        })
    }

    /// Room in the quota, token, request, judgement, decoding: what is repeated as a whole.
    async fn attempt(
        &self,
        query: &Query,
        sent: &Sent,
        id: &str,
        paused: &Paused,
    ) -> Result<Attempt> {
        let outgoing = Outgoing {
            environment: self.description.environment,
            method: Method::POST,
            url: &self.connection.url,
            headers: &[(CONTENT_TYPE, JSON)],
            body: sent.body.clone(),
            id,
        };
        let outcome = async {
            let incoming = outgoing.exchange(&self.connection, paused).await?;
            let (response, gate) = (incoming.response, incoming.gate);
            let received = self
                .receive(query, sent, id, response, &incoming.call, &gate)
                .await;
            incoming.call.finished();
            received.map_err(|error| gate.error(error))
        };
        outcome.await.map_err(|error| outgoing.named(error))
    }

    async fn receive(
        &self,
        query: &Query,
        sent: &Sent,
        id: &str,
        response: Response<Body>,
        call: &Call<'_>,
        gate: &Redaction,
    ) -> Result<Attempt> {
        let (head, body) = response.into_parts();
        let limits = self.connection.limits;
        if head.status != StatusCode::OK {
            let description = &self.description;
            let refused = refused(
                &self.connection,
                gate,
                &head,
                body,
                sent.rewritten,
                description,
            );
            return Err(refused.await);
        }
        let request_id = failure::request_id(&head.headers, gate);
        let options = Options {
            limits,
            max_rows: query.max_rows,
            datetimes: query.datetimes,
            annotated: self.description.annotated,
            blocks: BlockOptions::of_this_machine(query.turn),
        };
        let span = tracing::debug_span!("decode", request_id);
        let decoding = decode(options, body).instrument(span);
        let named = |error: Error| {
            let error = error.with_status(head.status.as_u16());
            match &request_id {
                Some(id) => error.with_request_id(id),
                None => error,
            }
        };
        let mut decoded = call.deadline().within(decoding).await.map_err(named)?;
        for warning in &mut decoded.warnings {
            warning.message = gate.apply(&warning.message);
        }
        envelope::headers(&mut decoded.around, &head.headers);
        decoded.around.redact(gate);
        let failure = decoded.around.failure.take().map(|failure| {
            let connection = &self.connection;
            envelope::reported(
                connection,
                gate,
                &head,
                &failure,
                sent.rewritten,
                &self.description,
            )
        });
        let failure = match failure {
            // Without a row it is the whole response.
            Some(error) if decoded.rows == 0 => return Err(named(error)),
            failure => failure,
        };
        Ok(Attempt {
            decoded,
            failure,
            client_request_id: id.to_owned(),
            request_id,
        })
    }

    fn answer(&self, query: &Query, sent: &Sent, attempt: Attempt, attempts: u32) -> Answer {
        let mut decoded = attempt.decoded;
        let mut warnings = std::mem::take(&mut decoded.warnings);
        if decoded.cut {
            let rows = decoded.rows;
            warnings.push(Warning::cut(rows));
        }
        if let (true, Some(timespan)) = (sent.rewritten, query.timespan) {
            warnings.push(Warning::new(
                WarningKind::Rewritten,
                format!("the query was sent with a line for the range of time {timespan}"),
            ));
        }
        warnings.extend(self.retirement());
        if let Some(counted) = decoded
            .around
            .count
            .filter(|counted| *counted < decoded.rows as u64)
        {
            let rows = decoded.rows;
            warnings.push(Warning::new(
                WarningKind::Rows,
                format!(
                    "the service counted {} in its result and sent {rows}",
                    envelope::rows(counted)
                ),
            ));
        }
        if let Some(unknown) = decoded.around.unknown() {
            warnings.push(Warning::new(WarningKind::Schema, unknown));
        }
        let completeness = self.completeness(query, &decoded, attempt.failure.as_ref());
        let summary = Summary {
            rows: decoded.rows,
            completeness,
            stats: decoded.stats,
            warnings,
            provenance: Provenance {
                environment: Some(self.description.environment),
                tenant: self.connection.tenant.clone(),
                instance: self.connection.instance.clone(),
                timespan: query.timespan,
                request_ids: attempt.request_id.into_iter().collect(),
                client_request_ids: vec![attempt.client_request_id],
                attempts,
                answer_bytes: decoded.bytes,
            },
        };
        Answer::from_batches(decoded.schema, decoded.batches, summary)
    }

    fn completeness(
        &self,
        query: &Query,
        decoded: &Decoded,
        failure: Option<&Error>,
    ) -> Completeness {
        let cap = self.description.row_cap;
        let rows = decoded.rows;
        let around = &decoded.around;
        let is_capped = rows >= cap && pipeline::own_limit(&query.text) != Some(cap);
        let reason = if let Some(failure) = failure {
            envelope::beside(failure)
        } else if decoded.cut {
            return Completeness::Complete;
        } else if is_capped && around.next != Next::End {
            return Completeness::capped(rows, "has more pages than the one it sent");
        } else if around.next != Next::End {
            "the service has more pages than the one it sent".to_owned()
        } else if let Some(reason) = around.more().or(around.lacking()) {
            reason.to_owned()
        } else if let Some(counted) = around.count.filter(|counted| *counted > rows as u64) {
            if is_capped {
                return Completeness::capped(rows, &format!("counted {counted} in its result"));
            }
            let counted = envelope::rows(counted);
            format!("the service counted {counted} in its result and sent {rows}")
        } else if is_capped && rows == cap {
            return Completeness::capped(rows, "does not say whether there are more");
        } else {
            return Completeness::Complete;
        };
        Completeness::Incomplete { reason }
    }

    /// The warning that the API is about to end, the first time it is due.
    fn retirement(&self) -> Option<Warning> {
        let environment = self.description.environment;
        let day = environment.retirement()?;
        if self.warned.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(Warning::new(
            WarningKind::Retirement,
            format!(
                "the API of {environment} ends on {day}: {} answers the same queries",
                DataEnvironment::M365dGraph
            ),
        ))
    }
}

#[async_trait]
impl Driver for Hunting {
    fn environment(&self) -> DataEnvironment {
        self.description.environment
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            rows: RowLimit::Capped(self.description),
            connection: Some(self.connection.clone()),
            ..Capabilities::unknown(self.environment())
        }
    }

    async fn query(&self, query: &Query) -> Result<Answer> {
        let sent = self.sent(query)?;
        let retry = &self.connection.retry;
        let mut attempts = 0;
        let paused = Paused::default();
        let run = retry.run_apart_from(&paused, |number| {
            attempts = number;
            // A new id for each: the service's logs tell attempts apart by it.
            let id = self.connection.ids.next();
            let span = tracing::debug_span!("attempt", number);
            let (sent, paused) = (&sent, &paused);
            async move { self.attempt(query, sent, &id, paused).await }.instrument(span)
        });
        let span = tracing::info_span!(
            "hunting",
            environment = %self.description.environment,
            query_bytes = query.text.len(),
        );
        let attempt = run.instrument(span).await?;
        Ok(self.answer(query, &sent, attempt, attempts))
    }
}

async fn decode(options: Options, mut body: Body) -> Result<Decoded> {
    let mut decoder = Decoder::new(options);
    while !decoder.is_satisfied() {
        match body.chunk().await? {
            Some(chunk) => decoder.push(&chunk)?,
            None => break,
        }
        decoder.settle().await?;
    }
    decoder.finish().await
}
