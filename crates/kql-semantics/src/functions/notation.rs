//! The short words that the tables of functions are written in.

use super::{Function, FunctionKind, Naming, Parameter, ReturnRule};
use crate::types::ScalarType;

pub(super) const MANY: usize = usize::MAX;

pub(super) const ANY: Parameter = Parameter::Any;
pub(super) const BOOL: Parameter = Parameter::Of(ScalarType::Bool);
pub(super) const DATE: Parameter = Parameter::Of(ScalarType::DateTime);
pub(super) const SPAN: Parameter = Parameter::Of(ScalarType::TimeSpan);
pub(super) const GUID: Parameter = Parameter::Of(ScalarType::Guid);
pub(super) const STR: Parameter = Parameter::Of(ScalarType::String);
pub(super) const ALONE: Parameter = Parameter::TextAlone;
pub(super) const INT: Parameter = Parameter::Integer;
pub(super) const BITS: Parameter = Parameter::Bits;
pub(super) const NUM: Parameter = Parameter::Number;
pub(super) const FLOAT: Parameter = Parameter::Real;
pub(super) const FLAG: Parameter = Parameter::NumberOrBool;
pub(super) const SERIES: Parameter = Parameter::Series;
pub(super) const SUM: Parameter = Parameter::Summable;
pub(super) const ORD: Parameter = Parameter::Orderable;
pub(super) const PLAIN: Parameter = Parameter::NotDynamic;
pub(super) const COUNTED: Parameter = Parameter::NotRealOrBool;
pub(super) const TEXT: Parameter = Parameter::Text;
pub(super) const DYN: Parameter = Parameter::Dynamic;
pub(super) const JSON: Parameter = Parameter::Json;
pub(super) const READ: Parameter = Parameter::StringOrDynamic;
pub(super) const TYPE: Parameter = Parameter::TypeName;
pub(super) const FIXED_BOOL: Parameter = Parameter::Constant(&BOOL);
pub(super) const FIXED_INT: Parameter = Parameter::Constant(&INT);
pub(super) const FIXED_NUM: Parameter = Parameter::Constant(&NUM);
pub(super) const FIXED_STR: Parameter = Parameter::Constant(&STR);
pub(super) const FIXED_ALONE: Parameter = Parameter::Constant(&ALONE);
pub(super) const FIXED_TEXT: Parameter = Parameter::Constant(&TEXT);

pub(super) const BOOLEAN: ReturnRule = ReturnRule::Type(ScalarType::Bool);
pub(super) const INT32: ReturnRule = ReturnRule::Type(ScalarType::Int);
pub(super) const LONG: ReturnRule = ReturnRule::Type(ScalarType::Long);
pub(super) const REAL: ReturnRule = ReturnRule::Type(ScalarType::Real);
pub(super) const DECIMAL: ReturnRule = ReturnRule::Type(ScalarType::Decimal);
pub(super) const DATETIME: ReturnRule = ReturnRule::Type(ScalarType::DateTime);
pub(super) const TIMESPAN: ReturnRule = ReturnRule::Type(ScalarType::TimeSpan);
pub(super) const UNIQUE: ReturnRule = ReturnRule::Type(ScalarType::Guid);
pub(super) const STRING: ReturnRule = ReturnRule::Type(ScalarType::String);
pub(super) const DYNAMIC: ReturnRule = ReturnRule::Type(ScalarType::Dynamic);
pub(super) const FIRST: ReturnRule = ReturnRule::Argument(0);
pub(super) const COMMON: ReturnRule = ReturnRule::Common;
pub(super) const SUMMED: ReturnRule = ReturnRule::Sum;
pub(super) const AVERAGE: ReturnRule = ReturnRule::Average;
pub(super) const SPECIAL: ReturnRule = ReturnRule::Special;

pub(super) const POSITION: Naming = Naming::Position;
pub(super) const LIKE_FIRST: Naming = Naming::FirstArgument;

/// A function of values.
pub(super) const fn scalar(
    name: &'static str,
    aliases: &'static [&'static str],
    min: usize,
    max: usize,
    parameters: &'static [Parameter],
    returns: ReturnRule,
    naming: Naming,
) -> Function {
    Function {
        name,
        aliases,
        kind: FunctionKind::Scalar,
        min,
        max,
        parameters,
        returns,
        naming,
        volatile: false,
    }
}

/// A function of groups.
pub(super) const fn aggregate(
    name: &'static str,
    aliases: &'static [&'static str],
    min: usize,
    max: usize,
    parameters: &'static [Parameter],
    returns: ReturnRule,
    naming: Naming,
) -> Function {
    Function {
        name,
        aliases,
        kind: FunctionKind::Aggregate,
        min,
        max,
        parameters,
        returns,
        naming,
        volatile: false,
    }
}

/// A function of the rows around.
pub(super) const fn window(
    name: &'static str,
    aliases: &'static [&'static str],
    min: usize,
    max: usize,
    parameters: &'static [Parameter],
    returns: ReturnRule,
    naming: Naming,
) -> Function {
    Function {
        name,
        aliases,
        kind: FunctionKind::Window,
        min,
        max,
        parameters,
        returns,
        naming,
        volatile: false,
    }
}

/// `function` with another value for each row.
pub(super) const fn volatile(mut function: Function) -> Function {
    function.volatile = true;
    function
}
