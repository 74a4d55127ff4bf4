//! Functions that look at the rows around.

use super::Function;
use super::notation::{
    ANY, BOOL, DATE, FIRST, FIXED_BOOL, INT, LONG, NUM, PLAIN, POSITION, SPAN, window,
};

pub(super) static FUNCTIONS: &[Function] = &[
    window("row_number", &[], 0, 2, &[INT, BOOL], LONG, POSITION),
    window("row_cumsum", &[], 1, 2, &[NUM, BOOL], FIRST, POSITION),
    window("row_rank", &[], 1, 2, &[PLAIN, FIXED_BOOL], LONG, POSITION),
    window("row_rank_dense", &[], 1, 2, &[PLAIN, BOOL], LONG, POSITION),
    window("row_rank_min", &[], 1, 2, &[PLAIN, BOOL], LONG, POSITION),
    window(
        "row_window_session",
        &[],
        3,
        4,
        &[DATE, SPAN, SPAN, BOOL],
        FIRST,
        POSITION,
    ),
    window("prev", &[], 1, 3, &[ANY, INT, ANY], FIRST, POSITION),
    window("next", &[], 1, 3, &[ANY, INT, ANY], FIRST, POSITION),
];
