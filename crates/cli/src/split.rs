//! `--all-rows`, `--split-by`, `--resume`: a query asked slice by slice.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use defender_core::{DataEnvironment, Error, ErrorKind, Result, duration};
use defender_query::{
    Answer, ConnectedProvider, Driver as _, Query, QueryProvider, Question, ResumeFile, Slice,
    SplitOptions, Splitting, Timespan,
};
use defender_table::ticks;

use crate::arguments::QueryOptions;
use crate::context::Context;
use crate::line::Line;

/// How a query is split, and what is left of an earlier run.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    options: SplitOptions,
    resume: Option<Arc<ResumeFile>>,
    /// What of the rows the question does not say.
    form: String,
    progress: Arc<Line>,
}

/// When an export begins, and of whom.
pub(crate) struct Began {
    /// The range of time as it was written.
    pub(crate) range: String,
    pub(crate) now: SystemTime,
    pub(crate) tenants: Vec<String>,
}

impl Split {
    /// What the options ask for.
    ///
    /// # Errors
    ///
    /// When the query cannot be split, before anything is sent.
    pub(crate) fn of(
        options: &QueryOptions,
        environment: DataEnvironment,
        query: &Query,
        context: &Context,
    ) -> Result<Option<Self>> {
        if !options.all_rows && options.split_by.is_none() && options.resume.is_none() {
            return Ok(None);
        }
        if environment == DataEnvironment::Local {
            return Err(Error::new(
                ErrorKind::Usage,
                "answers over files have every row, and are not split",
            )
            .with_hint("leave out --all-rows, --split-by and --resume"));
        }
        if environment == DataEnvironment::SecurityGraph {
            return Err(Error::new(
                ErrorKind::Usage,
                "answers of SecurityGraph come in pages, up to the last one, and are not split",
            )
            .with_hint("leave out --all-rows, --split-by and --resume"));
        }
        let splitting = Splitting::of(&query.text)?;
        let splitting_options = SplitOptions {
            parallel: usize::from(options.connection.parallel).clamp(1, 2),
            width: options.split_by.as_deref().map(width).transpose()?,
            ..SplitOptions::default()
        };
        if let Some(timespan) = query.timespan.filter(|_| splitting.is_timed()) {
            splitting_options.check_width(&Slice::of(timespan))?;
        }
        Ok(Some(Self {
            options: splitting_options,
            resume: None,
            form: format!(
                "{:?} {}",
                query.datetimes,
                options.split_by.as_deref().unwrap_or_default()
            ),
            progress: Arc::new(Line::new(context)),
        }))
    }

    /// Keeps finished slices in the file at `path`, and takes those that are there; returns the
    /// range of time of the run that goes on.
    ///
    /// # Errors
    ///
    /// When the file is of another question.
    pub(crate) fn go_on(
        &mut self,
        path: &Path,
        query: &Query,
        environment: DataEnvironment,
        began: Began,
        context: &Context,
    ) -> Result<Timespan> {
        let now = ticks::from_system_time(began.now).unwrap_or(ticks::MAX);
        // The services keep 30 days.
        let timespan = match query.timespan {
            Some(timespan) => timespan,
            None => Timespan::new((now - 30 * ticks::PER_DAY).max(0), now)?,
        };
        if Splitting::of(&query.text)?.is_timed() {
            self.options.check_width(&Slice::of(timespan))?;
        }
        let question = Question {
            text: query.text.clone(),
            environment,
            range: began.range,
            timespan,
            asked: began.now,
            tenants: began.tenants,
            form: self.form.clone(),
        };
        let file = ResumeFile::open(path, &question)?;
        let (slices, rows) = file.finished();
        if slices > 0 {
            context.note(&format!(
                "{} holds {rows} rows of {slices} finished slices; going on from there",
                path.display()
            ));
        }
        let timespan = file.timespan();
        self.resume = Some(file);
        Ok(timespan)
    }

    /// Asks one tenant.
    pub(crate) async fn ask(
        &self,
        connected: &ConnectedProvider,
        label: &str,
        query: &Query,
    ) -> Result<Answer> {
        let mut driver = connected
            .all_rows()?
            .with_options(self.options)
            .with_progress(Arc::clone(&self.progress) as _);
        if let Some(file) = &self.resume {
            driver = driver.with_store(file.store(label));
        }
        driver.query(query).await
    }

    /// The text that the slices are cut from, unless the run would refuse it.
    ///
    /// # Errors
    ///
    /// Those of the run before it sends anything.
    pub(crate) fn checked(provider: &QueryProvider, query: &Query) -> Result<String> {
        if let Some(description) = provider.description() {
            Splitting::of(&query.text)?.check_range(query, &description)?;
        }
        Ok(query.text.clone())
    }

    /// The texts of the slices, when their width was given.
    pub(crate) fn texts(&self, query: &Query) -> Result<Option<Vec<String>>> {
        let Some(width) = self.options.width else {
            return Ok(None);
        };
        let splitting = Splitting::of(&query.text)?;
        if !splitting.is_timed() {
            // Tables without a time are cut by what is counted in them.
            return Ok(None);
        }
        let timespan = query.timespan.ok_or_else(|| {
            Error::new(ErrorKind::Usage, "the slices need a range of time to be in")
                .with_hint("give --start, and --end where it is not now")
        })?;
        let mut slices = Slice::of(timespan).ranges_of(width);
        if splitting.is_newest_first() {
            slices.reverse();
        }
        Ok(Some(
            slices
                .iter()
                .map(|slice| splitting.text_of(slice))
                .collect(),
        ))
    }

    /// The same without a word about slices, for several tenants at once.
    pub(crate) fn silent(&self) -> Self {
        self.progress.close();
        self.clone()
    }

    /// Ends the line of progress before something else is said.
    pub(crate) fn quieten(&self) {
        self.progress.end();
    }

    /// How a run goes on that was interrupted.
    pub(crate) fn after_interruption(&self) -> &'static str {
        if self.resume.is_some() {
            "finished slices are kept: the same command goes on from there"
        } else {
            "with --resume FILE finished slices are kept, and the next run goes on from there"
        }
    }

    /// Forgets what was kept for another run: everything is written.
    ///
    /// # Errors
    ///
    /// When the file cannot be deleted.
    pub(crate) fn done(&self) -> Result<()> {
        match &self.resume {
            Some(file) => file.remove(),
            None => Ok(()),
        }
    }
}

/// The width of a slice, in ticks.
fn width(text: &str) -> Result<i64> {
    const HINT: &str = "write it like 6h, 1d, 30m or 1h30m, of at least a second";
    let wrong = |hint: &str| {
        let text = text.escape_debug();
        let message = format!("'{text}' is not a width of time");
        Error::new(ErrorKind::Usage, message).with_hint(hint)
    };
    let width = duration(text).map_err(|error| wrong(error.hint().unwrap_or(HINT)))?;
    match i64::try_from(width.as_nanos() / 100) {
        Ok(width) if width >= ticks::PER_SECOND => Ok(width),
        _ => Err(wrong(HINT)),
    }
}

impl defender_query::Progress for Line {
    fn sliced(&self, done: usize, known: usize, rows: usize) {
        self.say(&format!("{done} of {known} slices, {rows} rows"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_a_time_without_a_sign() {
        for (text, seconds) in [
            ("6h", 21_600),
            ("1d", 86_400),
            ("30m", 1_800),
            ("90s", 90),
            ("1h30m", 5_400),
            ("PT5M", 300),
        ] {
            assert_eq!(width(text).unwrap(), seconds * ticks::PER_SECOND, "{text}");
        }
        for text in ["", "-6h", "h", "6", "0h", "0.1s", "6 apples", "now"] {
            let error = width(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
        }
    }
}
