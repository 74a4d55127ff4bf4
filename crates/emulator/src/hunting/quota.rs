//! Calls per minute and hour, per API, tenant and application.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::StatusCode;

use crate::api::Refused;
use crate::entra::Claims;
use crate::hosts::Api;
use crate::options::Quotas;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// When each application called; calls older than an hour are forgotten.
#[derive(Debug)]
pub(crate) struct Ledger {
    quotas: Quotas,
    calls: Mutex<HashMap<(Api, String, String), VecDeque<SystemTime>>>,
}

impl Ledger {
    pub(crate) fn new(quotas: Quotas) -> Self {
        Self {
            quotas,
            calls: Mutex::default(),
        }
    }

    /// Enters a call, or says when there will be room for it; a refused call does not count.
    pub(super) fn enter(&self, api: Api, claims: &Claims, now: SystemTime) -> Result<(), Refused> {
        let mut all = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = all
            .entry((api, claims.tid.clone(), claims.appid.clone()))
            .or_default();
        while calls.front().is_some_and(|first| *first + HOUR <= now) {
            calls.pop_front();
        }
        for (window, allowed, written) in [
            (MINUTE, self.quotas.per_minute, "00:01:00"),
            (HOUR, self.quotas.per_hour, "01:00:00"),
        ] {
            let within = calls.iter().filter(|call| **call + window > now).count();
            if within < allowed {
                continue;
            }
            // The oldest call that has to leave the window before there is room.
            let free = calls
                .iter()
                .rev()
                .nth(allowed.saturating_sub(1))
                .map_or(now, |call| *call + window);
            let wait = free.duration_since(now).unwrap_or_default();
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            return Err(throttled(api, allowed, written, seconds.max(1)));
        }
        calls.push_back(now);
        Ok(())
    }
}

fn throttled(api: Api, allowed: usize, window: &str, seconds: u64) -> Refused {
    let refused = match api {
        Api::Graph => Refused::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequests",
            "Please retry again later.",
        ),
        Api::Mde | Api::M365d => Refused::new(
            StatusCode::TOO_MANY_REQUESTS,
            "429",
            format!("API calls quota exceeded! maximum allowed {allowed} per {window}"),
        ),
    };
    Refused {
        retry_after: Some(seconds),
        ..refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(tenant: &str) -> Claims {
        serde_json::from_value(serde_json::json!({
            "aud": "", "iss": "", "iat": 0, "nbf": 0, "exp": 0, "app_displayname": "",
            "appid": "app", "appidacr": "1", "idp": "", "idtyp": "app", "tid": tenant,
            "uti": "", "ver": "1.0",
        }))
        .unwrap()
    }

    #[test]
    fn a_call_finds_room_when_the_oldest_has_left_the_minute() {
        let ledger = Ledger::new(Quotas {
            per_minute: 2,
            per_hour: 3,
        });
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let enter = |tenant: &str, seconds| ledger.enter(Api::Mde, &claims(tenant), at(seconds));
        enter("a", 0).unwrap();
        enter("a", 10).unwrap();
        let refused = enter("a", 20).unwrap_err();
        assert_eq!(refused.retry_after, Some(40));
        assert!(refused.message.ends_with("maximum allowed 2 per 00:01:00"));
        enter("b", 20).unwrap();
        assert_eq!(enter("a", 59).unwrap_err().retry_after, Some(1));
        enter("a", 60).unwrap();
        let refused = enter("a", 200).unwrap_err();
        assert_eq!(refused.retry_after, Some(3400));
        assert!(refused.message.ends_with("maximum allowed 3 per 01:00:00"));
        enter("a", 3600).unwrap();
    }
}
