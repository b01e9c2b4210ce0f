//! Six-digit dates. Source: GS1 General Specifications 3.4 (day 00 is the last of the month) and 7.12 (century).

use jiff::civil::Date;

/// The date YYMMDD, its year within 50 years of this one.
pub fn read(digits: &str, this_year: i16) -> Option<Date> {
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| digits[range].parse::<i8>().ok();
    let (year, month, day) = (century(part(0..2)?, this_year), part(2..4)?, part(4..6)?);
    if day == 0 {
        return Date::new(year, month, 1).ok().map(Date::last_of_month);
    }
    Date::new(year, month, day).ok()
}

fn century(year: i8, this_year: i16) -> i16 {
    let (year, this) = (i16::from(year), this_year.rem_euclid(100));
    let base = this_year - this;
    match year - this {
        51.. => base - 100 + year,
        ..=-50 => base + 100 + year,
        _ => base + year,
    }
}
