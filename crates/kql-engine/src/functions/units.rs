//! Conversions between units of measure.
//!
//! Source: the tables of units on the pages of `convert_angle`, `convert_energy`, `convert_force`,
//! `convert_length`, `convert_mass`, `convert_speed` and `convert_volume`.

use super::Call;
use crate::EngineError;
use crate::datum::Datum;
use crate::expression::{Kernel, kernel};

/// A unit and how many of the base unit it is.
type Units = &'static [(&'static str, f64)];

const DEGREE: f64 = std::f64::consts::PI / 180.0;

const ANGLES: Units = &[
    ("Arcminute", DEGREE / 60.0),
    ("Arcsecond", DEGREE / 3600.0),
    ("Centiradian", 1e-2),
    ("Deciradian", 1e-1),
    ("Degree", DEGREE),
    ("Gradian", DEGREE * 0.9),
    ("Microdegree", DEGREE * 1e-6),
    ("Microradian", 1e-6),
    ("Millidegree", DEGREE * 1e-3),
    ("Milliradian", 1e-3),
    ("Nanodegree", DEGREE * 1e-9),
    ("Nanoradian", 1e-9),
    ("NatoMil", DEGREE * 9.0 / 160.0),
    ("Radian", 1.0),
    ("Revolution", DEGREE * 360.0),
];

const THERMAL: f64 = 1_055.055_852_62;
const ELECTRONVOLT: f64 = 1.602_176_565e-19;

const ENERGIES: Units = &[
    ("BritishThermalUnit", THERMAL),
    ("Calorie", 4.184),
    ("DecathermEc", 1.055_055_852_62e9),
    ("DecathermImperial", 1.055_055_852_573_48e9),
    ("DecathermUs", 1.054_804e9),
    ("ElectronVolt", ELECTRONVOLT),
    ("Erg", 1e-7),
    ("FootPound", 1.355_817_948),
    ("GigabritishThermalUnit", THERMAL * 1e9),
    ("GigaelectronVolt", ELECTRONVOLT * 1e9),
    ("Gigajoule", 1e9),
    ("GigawattDay", 8.64e13),
    ("GigawattHour", 3.6e12),
    ("HorsepowerHour", 2.684_519_537_696_2e6),
    ("Joule", 1.0),
    ("KilobritishThermalUnit", THERMAL * 1e3),
    ("Kilocalorie", 4184.0),
    ("KiloelectronVolt", ELECTRONVOLT * 1e3),
    ("Kilojoule", 1e3),
    ("KilowattDay", 8.64e7),
    ("KilowattHour", 3.6e6),
    ("MegabritishThermalUnit", THERMAL * 1e6),
    ("Megacalorie", 4.184e6),
    ("MegaelectronVolt", ELECTRONVOLT * 1e6),
    ("Megajoule", 1e6),
    ("MegawattDay", 8.64e10),
    ("MegawattHour", 3.6e9),
    ("Millijoule", 1e-3),
    ("TeraelectronVolt", ELECTRONVOLT * 1e12),
    ("TerawattDay", 8.64e16),
    ("TerawattHour", 3.6e15),
    ("ThermEc", 1.055_055_852_62e8),
    ("ThermImperial", 1.055_055_852_573_48e8),
    ("ThermUs", 1.054_804e8),
    ("WattDay", 86_400.0),
    ("WattHour", 3_600.0),
];

const POUND_FORCE: f64 = 4.448_221_615_260_509;

const FORCES: Units = &[
    ("Decanewton", 10.0),
    ("Dyn", 1e-5),
    ("KilogramForce", 9.806_65),
    ("Kilonewton", 1e3),
    ("KiloPond", 9.806_65),
    ("KilopoundForce", POUND_FORCE * 1e3),
    ("Meganewton", 1e6),
    ("Micronewton", 1e-6),
    ("Millinewton", 1e-3),
    ("Newton", 1.0),
    ("OunceForce", POUND_FORCE / 16.0),
    ("Poundal", 0.138_254_954_376),
    ("PoundForce", POUND_FORCE),
    ("ShortTonForce", POUND_FORCE * 2_000.0),
    ("TonneForce", 9_806.65),
];

const INCH: f64 = 0.0254;
const FOOT: f64 = 0.3048;
const SURVEY_FOOT: f64 = 1_200.0 / 3_937.0;
const LIGHT_YEAR: f64 = 9.460_730_472_58e15;
const PARSEC: f64 = 3.085_677_581_28e16;

const LENGTHS: Units = &[
    ("Angstrom", 1e-10),
    ("AstronomicalUnit", 1.495_978_707e11),
    ("Centimeter", 1e-2),
    ("Chain", 20.1168),
    ("DataMile", 1_828.8),
    ("Decameter", 10.0),
    ("Decimeter", 1e-1),
    ("DtpPica", INCH / 6.0),
    ("DtpPoint", INCH / 72.0),
    ("Fathom", 1.8288),
    ("Foot", FOOT),
    ("Hand", 0.1016),
    ("Hectometer", 100.0),
    ("Inch", INCH),
    ("KilolightYear", LIGHT_YEAR * 1e3),
    ("Kilometer", 1e3),
    ("Kiloparsec", PARSEC * 1e3),
    ("LightYear", LIGHT_YEAR),
    ("MegalightYear", LIGHT_YEAR * 1e6),
    ("Megaparsec", PARSEC * 1e6),
    ("Meter", 1.0),
    ("Microinch", INCH * 1e-6),
    ("Micrometer", 1e-6),
    ("Mil", INCH * 1e-3),
    ("Mile", 1_609.344),
    ("Millimeter", 1e-3),
    ("Nanometer", 1e-9),
    ("NauticalMile", 1_852.0),
    ("Parsec", PARSEC),
    ("PrinterPica", INCH * 12.0 / 72.27),
    ("PrinterPoint", INCH / 72.27),
    ("Shackle", 27.432),
    ("SolarRadius", 6.9551e8),
    ("Twip", INCH / 1_440.0),
    ("UsSurveyFoot", SURVEY_FOOT),
    ("Yard", 0.9144),
];

const POUND: f64 = 0.453_592_37;

const MASSES: Units = &[
    ("Centigram", 1e-5),
    ("Decagram", 1e-2),
    ("Decigram", 1e-4),
    ("EarthMass", 5.9722e24),
    ("Grain", POUND / 7_000.0),
    ("Gram", 1e-3),
    ("Hectogram", 1e-1),
    ("Kilogram", 1.0),
    ("Kilopound", POUND * 1e3),
    ("Kilotonne", 1e6),
    ("LongHundredweight", POUND * 112.0),
    ("LongTon", POUND * 2_240.0),
    ("Megapound", POUND * 1e6),
    ("Megatonne", 1e9),
    ("Microgram", 1e-9),
    ("Milligram", 1e-6),
    ("Nanogram", 1e-12),
    ("Ounce", POUND / 16.0),
    ("Pound", POUND),
    ("ShortHundredweight", POUND * 100.0),
    ("ShortTon", POUND * 2_000.0),
    ("Slug", 14.593_902_937_206_365),
    ("SolarMass", 1.98947e30),
    ("Stone", POUND * 14.0),
    ("Tonne", 1e3),
];

const SPEEDS: Units = &[
    ("CentimeterPerHour", 1e-2 / 3_600.0),
    ("CentimeterPerMinute", 1e-2 / 60.0),
    ("CentimeterPerSecond", 1e-2),
    ("DecimeterPerMinute", 1e-1 / 60.0),
    ("DecimeterPerSecond", 1e-1),
    ("FootPerHour", FOOT / 3_600.0),
    ("FootPerMinute", FOOT / 60.0),
    ("FootPerSecond", FOOT),
    ("InchPerHour", INCH / 3_600.0),
    ("InchPerMinute", INCH / 60.0),
    ("InchPerSecond", INCH),
    ("KilometerPerHour", 1e3 / 3_600.0),
    ("KilometerPerMinute", 1e3 / 60.0),
    ("KilometerPerSecond", 1e3),
    ("Knot", 1_852.0 / 3_600.0),
    ("MeterPerHour", 1.0 / 3_600.0),
    ("MeterPerMinute", 1.0 / 60.0),
    ("MeterPerSecond", 1.0),
    ("MicrometerPerMinute", 1e-6 / 60.0),
    ("MicrometerPerSecond", 1e-6),
    ("MilePerHour", 1_609.344 / 3_600.0),
    ("MillimeterPerHour", 1e-3 / 3_600.0),
    ("MillimeterPerMinute", 1e-3 / 60.0),
    ("MillimeterPerSecond", 1e-3),
    ("NanometerPerMinute", 1e-9 / 60.0),
    ("NanometerPerSecond", 1e-9),
    ("UsSurveyFootPerHour", SURVEY_FOOT / 3_600.0),
    ("UsSurveyFootPerMinute", SURVEY_FOOT / 60.0),
    ("UsSurveyFootPerSecond", SURVEY_FOOT),
    ("YardPerHour", 0.9144 / 3_600.0),
    ("YardPerMinute", 0.9144 / 60.0),
    ("YardPerSecond", 0.9144),
];

const CUBIC_FOOT: f64 = FOOT * FOOT * FOOT;
const CUBIC_INCH: f64 = INCH * INCH * INCH;
const GALLON: f64 = 231.0 * CUBIC_INCH;
const IMPERIAL_GALLON: f64 = 4.546_09e-3;

const VOLUMES: Units = &[
    // The service's own factor, as its page shows it.
    ("AcreFoot", 1.0 / 0.000_810_714),
    ("AuTablespoon", 2e-5),
    ("BoardFoot", CUBIC_FOOT / 12.0),
    ("Centiliter", 1e-5),
    ("CubicCentimeter", 1e-6),
    ("CubicDecimeter", 1e-3),
    ("CubicFoot", CUBIC_FOOT),
    ("CubicHectometer", 1e6),
    ("CubicInch", CUBIC_INCH),
    ("CubicKilometer", 1e9),
    ("CubicMeter", 1.0),
    ("CubicMicrometer", 1e-18),
    ("CubicMile", 1_609.344 * 1_609.344 * 1_609.344),
    ("CubicMillimeter", 1e-9),
    ("CubicYard", 27.0 * CUBIC_FOOT),
    ("Decaliter", 1e-2),
    ("DecausGallon", GALLON * 10.0),
    ("Deciliter", 1e-4),
    ("DeciusGallon", GALLON / 10.0),
    ("HectocubicFoot", CUBIC_FOOT * 100.0),
    ("HectocubicMeter", 100.0),
    ("Hectoliter", 0.1),
    ("HectousGallon", GALLON * 100.0),
    ("ImperialBeerBarrel", IMPERIAL_GALLON * 36.0),
    ("ImperialGallon", IMPERIAL_GALLON),
    ("ImperialOunce", IMPERIAL_GALLON / 160.0),
    ("ImperialPint", IMPERIAL_GALLON / 8.0),
    ("KilocubicFoot", CUBIC_FOOT * 1e3),
    ("KilocubicMeter", 1e3),
    ("KiloimperialGallon", IMPERIAL_GALLON * 1e3),
    ("Kiloliter", 1.0),
    ("KilousGallon", GALLON * 1e3),
    ("Liter", 1e-3),
    ("MegacubicFoot", CUBIC_FOOT * 1e6),
    ("MegaimperialGallon", IMPERIAL_GALLON * 1e6),
    ("Megaliter", 1e3),
    ("MegausGallon", GALLON * 1e6),
    ("MetricCup", 2.5e-4),
    ("MetricTeaspoon", 5e-6),
    ("Microliter", 1e-9),
    ("Milliliter", 1e-6),
    ("OilBarrel", GALLON * 42.0),
    ("UkTablespoon", 1.5e-5),
    ("UsBeerBarrel", GALLON * 31.0),
    ("UsCustomaryCup", GALLON / 16.0),
    ("UsGallon", GALLON),
    ("UsLegalCup", 2.4e-4),
    ("UsOunce", GALLON / 128.0),
    ("UsPint", GALLON / 8.0),
    ("UsQuart", GALLON / 4.0),
    ("UsTablespoon", GALLON / 256.0),
    ("UsTeaspoon", GALLON / 768.0),
];

fn factor(units: Units, name: &str) -> Option<f64> {
    units
        .iter()
        .find(|unit| unit.0.eq_ignore_ascii_case(name))
        .map(|unit| unit.1)
}

/// An angle in radians; a tilt is the sine of its angle.
fn angle_from(value: f64, unit: &str) -> Option<f64> {
    if unit.eq_ignore_ascii_case("Tilt") {
        return Some(value.asin());
    }
    Some(value * factor(ANGLES, unit)?)
}

fn angle_to(radians: f64, unit: &str) -> Option<f64> {
    if unit.eq_ignore_ascii_case("Tilt") {
        return Some(radians.sin());
    }
    Some(radians / factor(ANGLES, unit)?)
}

fn by_factor(units: Units) -> Kernel {
    convert(move |value, from, to| {
        let (from, to) = (factor(units, from)?, factor(units, to)?);
        Some(value * from / to)
    })
}

/// A unit that is not known gives null.
fn convert(body: impl Fn(f64, &str, &str) -> Option<f64> + Send + Sync + 'static) -> Kernel {
    kernel(move |values| {
        let Some(value) = values[0].as_real() else {
            return Ok(Datum::Null);
        };
        let answer = body(value, &values[1].display(), &values[2].display());
        Ok(answer.map_or(Datum::Null, Datum::Real))
    })
}

pub(super) fn kernel_of(call: &Call) -> Result<Option<Kernel>, EngineError> {
    Ok(Some(match call.name {
        "convert_angle" => convert(|value, from, to| angle_to(angle_from(value, from)?, to)),
        "convert_energy" => by_factor(ENERGIES),
        "convert_force" => by_factor(FORCES),
        "convert_length" => by_factor(LENGTHS),
        "convert_mass" => by_factor(MASSES),
        "convert_speed" => by_factor(SPEEDS),
        "convert_volume" => by_factor(VOLUMES),
        _ => return Ok(None),
    }))
}
