//! The emulated service.
use crate::error::Result;
use crate::log::{Log, RecordedRequest};
use crate::options::Options;

#[derive(Debug)]
pub(crate) struct Service {
    log: Log,
}

impl Service {
    pub(crate) fn new(_options: Options) -> Result<Self> {
        Ok(Self {
            log: Log::default(),
        })
    }
    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.log.all()
    }
}
