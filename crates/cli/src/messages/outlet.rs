//! A stream that messages go into, and that nobody may be reading.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a message may keep its sender: whoever reads at all has read by then.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the end of the process waits so long, when something is read each time.
const ROUNDS: usize = 10;

/// The most bytes that wait for a reader; what is beyond is left out.
const MOST: usize = 1 << 20;

/// Writes on a thread of its own, one piece after another.
///
/// Usually a piece is written when [`write`](Self::write) returns, so that it stands before whatever
/// is written elsewhere afterwards. A stream that takes nothing, such as a pipe that is full and not
/// read, holds its sender up once and briefly: what follows is queued, then left out. An error of
/// the stream costs the piece and nothing else.
#[derive(Debug)]
pub(crate) struct Outlet {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    sent: u64,
    written: u64,
    /// Nobody has read for a while.
    stalled: bool,
    left_out: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while `unfinished`, and no longer than anybody is patient; whether it still is.
    fn wait<'s>(
        &self,
        state: MutexGuard<'s, State>,
        unfinished: impl Fn(&State) -> bool,
    ) -> (MutexGuard<'s, State>, bool) {
        let waited = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| unfinished(state));
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        (state, timeout.timed_out())
    }
}

impl Outlet {
    /// Writes into `stream`; `failed` is told of its errors.
    pub(super) fn new(
        mut stream: impl Write + Send + 'static,
        mut failed: impl FnMut(&io::Error) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let thread = Arc::clone(&shared);
        let work = move || {
            let mut state = thread.state();
            loop {
                let Some(piece) = state.waiting.pop_front() else {
                    state.stalled = false;
                    state = match thread.changed.wait(state) {
                        Ok(state) => state,
                        Err(poisoned) => poisoned.into_inner(),
                    };
                    continue;
                };
                let left_out = std::mem::take(&mut state.left_out);
                drop(state);
                let written = stream.write_all(&piece).and_then(|()| match left_out {
                    0 => stream.flush(),
                    _ => writeln!(stream, "[left out here, since nobody read: {left_out}]"),
                });
                if let Err(error) = written {
                    failed(&error);
                }
                state = thread.state();
                state.bytes -= piece.len();
                state.written += 1;
                thread.changed.notify_all();
            }
        };
        // Without a thread nothing is said: the machine has greater sorrows.
        let started = std::thread::Builder::new()
            .name("messages".to_owned())
            .spawn(work);
        if started.is_err() {
            shared.state().stalled = true;
        }
        Self { shared }
    }

    /// Writes `piece`, in one piece.
    pub(super) fn write(&self, piece: Vec<u8>) {
        let mut state = self.shared.state();
        if state.bytes + piece.len() > MOST {
            state.left_out += 1;
            return;
        }
        state.bytes += piece.len();
        state.waiting.push_back(piece);
        state.sent += 1;
        let own = state.sent;
        self.shared.changed.notify_all();
        if !state.stalled {
            let (mut state, late) = self.shared.wait(state, |state| state.written < own);
            state.stalled |= late;
        }
    }

    /// Whether what is written now would wait for a reader.
    pub(super) fn is_stalled(&self) -> bool {
        self.shared.state().stalled
    }

    /// Waits until everything is written, for as long as somebody reads.
    pub(super) fn finish(&self) {
        let mut state = self.shared.state();
        for _ in 0..ROUNDS {
            let written = state.written;
            if written == state.sent {
                return;
            }
            let (now, late) = self.shared.wait(state, |state| state.written < state.sent);
            state = now;
            if late && state.written == written {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Takes a piece for each permission that it is given, and fails with those that it gets.
    struct Gate {
        permitted: mpsc::Receiver<io::Result<()>>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permitted.recv().unwrap_or(Ok(()))?;
            self.taken.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    type Permits = mpsc::Sender<io::Result<()>>;

    fn gate() -> (Permits, Arc<Mutex<Vec<u8>>>, Gate) {
        let (permit, permitted) = mpsc::channel();
        let taken = Arc::default();
        let gate = Gate {
            permitted,
            taken: Arc::clone(&taken),
        };
        (permit, taken, gate)
    }

    #[test]
    fn a_piece_is_written_when_write_returns() {
        let (permit, taken, gate) = gate();
        drop(permit);
        let outlet = Outlet::new(gate, |_| {});
        for piece in ["one\n", "two\n"] {
            outlet.write(piece.into());
            assert!(taken.lock().unwrap().ends_with(piece.as_bytes()));
        }
        outlet.finish();
        assert_eq!(*taken.lock().unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn an_error_costs_its_piece_only() {
        let (permit, taken, gate) = gate();
        permit.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        drop(permit);
        let (teller, told) = mpsc::channel();
        let outlet = Outlet::new(gate, move |error| teller.send(error.kind()).unwrap());
        outlet.write(b"lost".to_vec());
        outlet.write(b"kept".to_vec());
        assert_eq!(*taken.lock().unwrap(), b"kept");
        assert_eq!(told.try_recv(), Ok(io::ErrorKind::StorageFull));
    }

    #[test]
    fn what_nobody_reads_is_left_out_and_counted() {
        let (permit, taken, gate) = gate();
        let outlet = Outlet::new(gate, |_| {});
        outlet.write(b"first\n".to_vec());
        assert!(outlet.is_stalled());
        // None of these waits any more.
        for _ in 0..3 {
            outlet.write(vec![b'x'; MOST / 2 - 8]);
        }
        outlet.finish();
        assert_eq!(*taken.lock().unwrap(), b"");
        drop(permit);
        outlet.finish();
        let taken = taken.lock().unwrap();
        let told = b"[left out here, since nobody read: 1]\n";
        assert!(taken.starts_with(b"first\nxxx"));
        assert!(taken.windows(told.len()).any(|part| part == told));
    }
}
